"""Central analysis device (中心解析设备) of T/BAX XXXX.4-2023."""

__version__ = "0.1.0"
