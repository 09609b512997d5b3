"""Calls of other devices and other interfaces, which this device refuses by name.

Copied from the clauses of Annexes A to F with their spellings, GA/T 1400.4 and the pages of Huawei
Cloud VIAS and ZStack.
"""

from typing import NamedTuple


class Unserved(NamedTuple):
    """One call as it is printed."""

    clause: str
    """The letter of its annex comes first."""
    method: str
    path: str


OF_ANNEXES = [
    Unserved("A.2", "POST", "/CCP/clusters"),
    Unserved("A.3", "DELETE", "/CCP/clusters/{clusterCode}"),
    Unserved("A.4", "GET", "/CCP/clusters"),
    Unserved("A.5", "GET", "/CCP/clusters/{clusterCode}"),
    Unserved("A.6", "GET", "/CCP/clusters/{clusterCode}/license"),
    Unserved("A.7", "POST", "/CCP/cluster/nodes"),
    Unserved("A.8", "DELETE", "/CCP/cluster/nodes"),
    Unserved("A.9", "GET", "/CCP/cluster/nodes"),
    Unserved("B.2", "POST", "/CCP/algoservice/workloads"),
    Unserved("B.2", "POST", "/CCP/algoService/workloads"),
    Unserved("B.3", "DELETE", "/CCP/algoservice/workloads/{workloadName}"),
    Unserved("B.3", "DELETE", "/CCP/algoService/workloads/{workloadName}"),
    Unserved("B.4", "PUT", "/CCP/algoservice/workloads/{workloadName}"),
    Unserved("B.4", "PUT", "/CCP/algoService/workloads/{workloadName}"),
    Unserved("B.5", "GET", "/CCP/algoservice/workloads"),
    Unserved("B.5", "GET", "/CCP/algoService/workloads"),
    Unserved("B.6", "GET", "/CCP/algoservice/workloads/{workloadName}"),
    Unserved("B.6", "GET", "/CCP/algoService/workloads/{workloadName}"),
    Unserved("B.7", "GET", "/CCP/algoservice/pods"),
    Unserved("B.7", "GET", "/CCP/algoService/pods"),
    Unserved("B.8", "GET", "/CCP/algoservice/pods/{podName}"),
    Unserved("B.8", "GET", "/CCP/algoService/pods/{podName}"),
    Unserved("C.2", "GET", "/CCP/cluster/monitors/{clusterCode}"),
    Unserved("C.3", "GET", "/CCP/node/monitors/{nodeId}"),
    Unserved("D.2", "POST", "/ACP/Register"),
    Unserved("D.3", "POST", "/ACP/UnRegister"),
    Unserved("D.4", "POST", "/ACP/Keepalive"),
    Unserved("D.5", "GET", "/CAP/Status"),
    Unserved("E.2", "POST", "/CAP/AlgoFilePackages"),
    Unserved("E.3", "DELETE", "/CAP/AlgoFilePackages/{id}"),
    Unserved("E.4", "POST", "/CAP/AlgoFilePackages:search"),
    Unserved("E.5", "GET", "/CAP/AlgoFilePackages/{id}"),
    Unserved("E.6", "POST", "/CAP/AlgoPackages"),
    Unserved("E.7", "DELETE", "/CAP/AlgoPackages/{id}"),
    Unserved("E.8", "POST", "/CAP/AlgoPackages:search"),
    Unserved("E.9", "GET", "/CAP/AlgoPackages/{id}"),
    Unserved("F.2", "POST", "/CAP/AlgoServices"),
    Unserved("F.3", "DELETE", "/CAP/AlgoServices/{id}"),
    Unserved("F.4", "POST", "/CAP/AlgoServices:search"),
    Unserved("F.5", "GET", "/CAP/AlgoServices/{id}"),
]
OF_OTHERS = [
    Unserved("GA/T 1400 (VIID)", "POST", "/VIID/System/Register"),
    Unserved("GA/T 1400 (VIID)", "POST", "/VIID/Faces"),
    Unserved("Huawei Cloud VIAS", "POST", "/v2/{project_id}/algorithm/{alg_id}/deploy"),
    Unserved("ZStack", "PUT", "/zstack/v1/ai/model-services"),
]
