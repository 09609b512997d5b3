"""Every place where the standard prints a call that a device serves: clause, table or example.

Copied from Tables and clauses H.5, I.2–I.7 and G.2–G.7 with their contradictions.
"""

from typing import NamedTuple

CODE = "BAIDU-HUMAN_ATTR_ALERT-1.0.0"


class Printed(NamedTuple):
    """One call as one place prints it; names of variables are ours where places differ."""

    call: str
    """As its examples are called."""
    where: str
    method: str
    path: str


_STATUS = "H.5-get-machine-status"
_PUSH = "I.2-push-algo-file-package"
_DELETE_FILE = "I.3-delete-algo-file-package"
_INSTALL = "I.4-install-algo-package"
_UNINSTALL = "I.5-uninstall-algo-package"
_LIST = "I.6-list-algo-packages"
_DETAIL = "I.7-get-algo-package"
_CREATE, _DELETE, _RESUME = "G.2-create-task", "G.3-delete-task", "G.4-resume-task"
_PAUSE, _SEARCH, _TASK = "G.5-pause-task", "G.6-search-tasks", "G.7-get-task"

_FILES = "/CAD/machine/algoFilePackages"
_PACKAGES = "/CAD/machine/algoPackages"
_PACKAGE = f"{_PACKAGES}/{{algoPackageCode}}"
_TASKS = "/CAP/AlgoTasks"
_ONE = f"{_TASKS}/{{id}}"

PRINTED = [
    Printed(_STATUS, "Tables H.1, H.5", "GET", "/CAD/machine/status/{deviceCode}"),
    Printed(_STATUS, "clause H.5", "GET", "/CAD/machine/status/{code}"),
    Printed(_PUSH, "Tables I.1, I.2, clause I.2", "POST", _FILES),
    Printed(_DELETE_FILE, "Tables I.1, I.3", "DELETE", f"{_FILES}/{{algoFilePackageId}}"),
    Printed(_DELETE_FILE, "example I.3", "DELETE", f"{_FILES}/1"),
    Printed(_INSTALL, "Tables I.1, I.4, clause I.4", "POST", _PACKAGES),
    Printed(_UNINSTALL, "Tables I.1, I.5", "DELETE", _PACKAGE),
    Printed(_UNINSTALL, "clause I.5", "DELETE", "/CAD/machine/algopackages/{algoPackageCode}"),
    Printed(_UNINSTALL, "example I.5", "DELETE", f"/CAD/machine/algopackages/{CODE}"),
    Printed(_LIST, "Table I.1", "GET", _PACKAGES),
    Printed(_LIST, "Table I.6", "POST", _PACKAGES),
    Printed(_LIST, "clause I.6", "GET", "/CAD/machine/algopackages"),
    Printed(_DETAIL, "Table I.1", "GET", _PACKAGE),
    Printed(_DETAIL, "Table I.7", "POST", _PACKAGE),
    Printed(_DETAIL, "clause I.7", "GET", "/CAD/machine/algorithmPackages/{algoPackageCode}"),
    Printed(_DETAIL, "example I.7", "GET", f"/CAD/algoPackage/devices/{{deviceCode}}/{CODE}"),
    Printed(_CREATE, "Tables G.1, G.2, clause G.2", "POST", _TASKS),
    Printed(_DELETE, "Tables G.1, G.3, clause G.3", "DELETE", _ONE),
    Printed(_RESUME, "Tables G.1, G.4, clause G.4", "POST", f"{_ONE}:resume"),
    Printed(_PAUSE, "Table G.1, clause G.5", "POST", f"{_ONE}:pause"),
    Printed(_PAUSE, "Table G.5", "DELETE", f"{_ONE}:pause"),
    Printed(_SEARCH, "Tables G.1, G.6, clause G.6", "POST", f"{_TASKS}:search"),
    Printed(_TASK, "Tables G.1, G.7, clause G.7", "GET", _ONE),
]

CALLED_ON_PLATFORM = {"H.2-register-machine", "H.3-unregister-machine", "H.4-keepalive-machine"}
"""Calls that the device makes."""
