"""What the operator's settings change of a package's model."""

from dataclasses import fields, replace

from cad.domain.models import ModelSpec
from cad.domain.packages import ServiceSettings

OF_THE_MODEL = frozenset(field.name for field in fields(ModelSpec))


def effective_spec(spec: ModelSpec, settings: ServiceSettings) -> ModelSpec:
    """Return `spec` with what `settings` change of it (AM-122)."""
    chosen = {
        field.name: value
        for field in fields(settings)
        if field.name in OF_THE_MODEL and (value := getattr(settings, field.name)) is not None
    }
    return replace(spec, **chosen)
