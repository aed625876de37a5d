"""Floor 2: training of brain-aligned models.

Nothing is imported here, so that `import brainscore_realnet.training` does not cost an import of torch:

- `losses`: equations 1–5 of the paper, CKA; `soft_ranks`: what makes Spearman correlations differentiable
- `images`, `batches`: images decoded once, and normalised batches of them on any device
- `recipes`: every number of a training run; `data`, `division`: images and signals that it trains on
- `trainer`, `run_state`: the training itself; `teacher`: the labels to keep; `devices`: where it runs
- `checkpoints`: what an interrupted training goes on from
"""
