"""Who may call this device: tokens, secrets, keys, and what is remembered of it (9.1).

    signing.py    the ring of ES256 keys: access tokens are signed and checked with it
    accounts.py   the secrets of users and clients, with overlap when one takes another's place
    refresh.py    logins that go on without the password
    throttle.py   how fast wrong secrets may be tried
    book.py       all that is known of these, written through to the store
    door.py       checks what callers show
    grants.py     the token endpoint
    service.py    accounts, renewal of secrets and keys, upkeep; the front of the package
    audit.py      the log of management calls

The first four are pure: values and functions of values and the time. Lifetimes are measured
with `cad.domain.access.Moment`, for the wall clock of a device jumps. The connections on which all
this happens are protected by TLS, which is a matter of `cad.control.api`.
"""
