"""What is added without touching the product: objects under a name in an entry point group."""

from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import TypeVar

from cad.base.errors import BadValueError

T = TypeVar("T")


def find_plugin(
    name: str, built_in: Mapping[str, T], kind: type[T], *, group: str, field: str
) -> T:
    """Return the object called `name` among those `built_in` and those of the entry points.

    Args:
        name: of the object.
        built_in: objects that need no entry point.
        kind: what the object has to be; a class, or a protocol that can be checked at run time.
        group: of the entry points.
        field: the setting that names the object, for errors.

    Raises:
        BadValueError: there is none, or it cannot be loaded; names those there are.
    """
    if name in built_in:
        return built_in[name]
    added = entry_points(group=group)
    if name not in added.names:
        known = ", ".join(sorted({*built_in, *added.names})) or "none, for none is installed"
        raise BadValueError(f"expected one of: {known}", field=field, given=name)
    try:
        found = added[name].load()
    except (ImportError, AttributeError) as error:
        expected = f"expected a plugin that can be loaded ({error})"
        raise BadValueError(expected, field=field, given=name) from error
    if not isinstance(found, kind):
        raise BadValueError(f"expected a plugin that is a {kind.__name__}", field=field, given=name)
    return found
