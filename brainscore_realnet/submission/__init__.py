"""Submissions to Brain-Score: plugin folders that stand on their own, and a check of them before they are uploaded.

- `export`: a submission of models and benchmarks; `models`, `benchmarks`: their plugins; `travelling`: modules of this
  package that go with them; `travels`: those that are written for nothing else; `metadata`: what is told of a model;
- `layout`: a submission as plugins and files, written as a folder and a zip; `uploads`: what lies in the storage;
- `check`: whether a submission, also a stranger's, will pass; `reading`, `scan`: what its text tells; `overlay`,
  `running`, `probes`: what it does in a copy of Brain-Score.
"""
