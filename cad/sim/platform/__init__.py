"""A reference platform (算法算力服务管理平台): a real https server, and a client of the devices.

As a server it does what a device needs of its platform: registration, deregistration and keepalive
(H.2–H.4) with enrolment and leases, its SM2 key, tokens, the content of file packages, and a
receiver of events. As a client (`device`) it calls the devices' own API with exactly the
credentials that they registered with. It can be told to misbehave (`faults`).
"""
