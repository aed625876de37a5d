"""Models and benchmarks of this package as plugins that stand alone.

- `export` leads from identifiers to a folder; `chosen_models` refuses what cannot be exported, `models` and
  `benchmarks` make the plugins (`exportable`), `folder` puts everything in place at once;
- `travelling` copies modules of this package with relative imports; `travels/` are those written for nothing else;
  `networks` says how a backbone is built without this package;
- `metadata` is what Brain-Score is told of a model, `training_told` what of it comes from the model's card;
- `scored_benchmark` asks a benchmark for its neural RDMs and numbers to compare with;
- `folder_names` and `instructions` name the plugins and say what to do next.
"""
