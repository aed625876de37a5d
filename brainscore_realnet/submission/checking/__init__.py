"""Whether a submission, whoever made it, will pass: what Brain-Score does with it, here and without a network.

- `check` leads from a path to a `report`; `reading` opens zips, folders and exports;
- by text: `scan` (archive, layout, syntax, tests, files), `registrations`, `naming`, `imports`, `requirements`,
  `bibtex`, `metadata`;
- by running: `running` asks the questions of `probes/` in an `overlay` of the library, and runs upstream's tests.
"""
