"""Which classes of a model are reported."""

import numpy as np
from numpy.typing import NDArray

from cad.base.errors import BadValueError
from cad.domain.models import ModelSpec


def kept_classes(spec: ModelSpec) -> NDArray[np.intp] | None:
    """Return the indices of the classes in `keep`, None for all.

    Raises:
        BadValueError: a name in `keep` is no label of the model.
    """
    if not spec.keep:
        return None
    for name in spec.keep:
        if name not in spec.labels:
            raise BadValueError("names among the model's labels", field="keep", given=name)
    return np.array([spec.labels.index(name) for name in spec.keep], dtype=np.intp)
