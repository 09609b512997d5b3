"""Packages, of files and of algorithms: download, verify, install, uninstall.

`service` takes the orders of Annex I and answers at once; `jobs` carries them out in background,
step by step as `plan` says, each step noted in the journal before it begins. `pushing` and
`installing` are what the steps do: `fetch`, `unpack` and `inspect` for a file package, `prepare`
and the host of the analysis workers for an algorithm. `book` holds what is known of both.

A folder becomes part of the truth by a rename, and a record by a transaction; until then it is a
draft, which the next start removes (`layout`). So whatever moment the device goes down at, it comes
back with the old state or the new one.
"""
