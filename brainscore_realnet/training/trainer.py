"""Alignment training: a pretrained network learns to generate brain signals while it keeps its own labels.

Lu et al., ReAlnet, arXiv 2401.17231, §2.3; the losses are those of `training.losses`. A step is one forward pass in
which the outputs of some layers are kept: the network's logits give L^C against the labels of the pretrained network,
the kept features give through a head the signals of L^G.
"""

import csv
import io
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from copy import deepcopy
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.networks.backbones import backbone as described
from brainscore_realnet.networks.recording import recorded_layers
from brainscore_realnet.store import require_space, write_text
from brainscore_realnet.training import checkpoints
from brainscore_realnet.training._tensors import centred, unit
from brainscore_realnet.training.batches import batches, to_device
from brainscore_realnet.training.checkpoints import Interrupted, Origin, Stop
from brainscore_realnet.training.data import AcrossSubjects, TrainingData
from brainscore_realnet.training.devices import checked_device, own_randomness
from brainscore_realnet.training.division import derangement, holdout
from brainscore_realnet.training.images import ImageCache
from brainscore_realnet.training.losses import alignment_loss, classification_loss, generation_loss
from brainscore_realnet.training.recipes import Recipe
from brainscore_realnet.training.run_state import MILDER, PARTS, RunState, Trained, by_subject_of
from brainscore_realnet.training.teacher import teacher_labels, weights_sha256

_SHOWN_EVERY = 20
_TENSORS_A_WEIGHT = 4  # itself, two means of Adam, and the best validation one
_logger = logging.getLogger(__name__)


def train(
    recipe: Recipe,
    network: nn.Module,
    data: TrainingData | AcrossSubjects,
    cache: ImageCache,
    run: str | Path,
    *,
    device: str | torch.device | None = None,
    progress: bool = True,
    until: int | None = None,
) -> Trained:
    """Train a network by a recipe, or go on where an interrupted training in the same folder stopped.

    Two trainings on one device with the same arguments, and on a CPU with the same number of threads, end with the same
    weights, interrupted or not. With ``recipe.reference``, what the released code does otherwise is done and named in
    the log, but for the choice of a checkpoint on the test images: those are never looked at.

    Parameters
    ----------
    recipe : Recipe
    network : nn.Module
        The pretrained backbone; images to logits (n, classes). It is not changed: a copy is trained.
    data : TrainingData or AcrossSubjects
        From `training_data(recipe)`. Across subjects, one backbone gets a head for each, and L^G is their mean.
    cache : ImageCache
        The images of `data`, in the same order and of the recipe's size.
    run : path
        Folder of this training alone, for checkpoints, the teacher's labels and ``curves.csv``.
    device : str or torch.device, optional
        Default: a GPU if there is one.
    progress : bool
        Show a progress bar.
    until : int, optional
        Stop after so many steps in all, as if a signal had asked for it.

    Returns
    -------
    Trained

    Raises
    ------
    Interrupted
        SIGTERM, SIGINT or SIGUSR1 came, or `until` was reached; a checkpoint was written.
    BadInputError
        Arguments do not fit each other, the device is not there or has no bfloat16, the folder holds another training,
        or a loss is not finite (the batch is named; the last checkpoint stays).
    StoreError
        Another trainer uses the folder, or too little space (said before training starts).
    """
    run = Path(run)
    place = checked_device(device, recipe.precision)
    _refuse_misfits(recipe, data, cache)
    origin = Origin(recipe, data.sha256, cache.sha256, weights_sha256(network))
    with ExitStack() as stack:
        stack.enter_context(checkpoints.only_trainer(run))
        stop = stack.enter_context(checkpoints.stop_signals())
        stack.enter_context(own_randomness(recipe.seed, place))
        stack.enter_context(torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False))
        run_state = RunState(recipe, network, data, place)
        _require_space(run, run_state)
        cache = to_device(cache, place)
        labels = teacher_labels(network, cache, run, place, described(recipe.backbone), stop, origin.network_sha256)
        saved = checkpoints.load(run, origin)
        if saved is not None:
            run_state.restore(saved)
            _logger.info("going on after step %d of the training in %s", run_state.step, run)
        features = stack.enter_context(recorded_layers(run_state.backbone, run_state.layers))
        trainer = _Trainer(recipe, data, cache, labels.to(place), run_state, features, origin, run, stop)
        if recipe.reference:
            trainer.teacher = _as_released(recipe, network, place)
        trainer.train_epochs(until, progress)
    return run_state.trained()


def epoch_order(n_images: int, seed: int, epoch: int) -> np.ndarray:
    """Give the order of images in an epoch, (n_images,) int64; it depends on seed and epoch alone."""
    return np.random.default_rng([seed, 3, epoch]).permutation(n_images)


def spearman_by_image(generated: Tensor, measured: Tensor) -> Tensor:
    """Correlate the exact ranks of each image's signals; signals that are all equal correlate 0.

    Parameters
    ----------
    generated, measured : Tensor, shape (n, n_signals)

    Returns
    -------
    Tensor, shape (n,), float64
        On the CPU.
    """
    from scipy.stats import rankdata

    ranks = [torch.from_numpy(rankdata(signals.cpu().numpy(), axis=1)) for signals in (generated, measured)]
    return (unit(centred(ranks[0], dim=1)) * unit(centred(ranks[1], dim=1))).sum(1)


class _Trainer:
    """The loop over epochs and steps."""

    def __init__(
        self,
        recipe: Recipe,
        data: TrainingData | AcrossSubjects,
        cache: ImageCache,
        labels: Tensor,
        state: RunState,
        features: dict[str, Tensor],
        origin: Origin,
        run: Path,
        stop: Stop,
    ) -> None:
        self.recipe, self.cache, self.labels, self.state = recipe, cache, labels, state
        self.features, self.origin, self.run, self.stop = features, origin, run, stop
        self.images = data.images
        self.about = described(recipe.backbone)
        self.teacher: nn.Module | None = None  # gives labels batch by batch only where the released code is followed
        self.training, self.validation = holdout(data.concepts, recipe.holdout, recipe.seed)
        # Row i holds the signals that image i is trained with; of held-out images, their own.
        rows = np.arange(len(data.images))
        if recipe.unpaired:
            rows[self.training] = self.training[
                derangement([data.concepts[index] for index in self.training], recipe.seed)
            ]
        self.signals = [torch.from_numpy(one.signals[rows]).to(state.device) for one in by_subject_of(recipe, data)]
        n_last = len(self.training) % recipe.batch_size
        self.n_batches = len(self.training) // recipe.batch_size + (n_last > 1)
        if not self.n_batches:
            raise BadInputError(
                f"Got {len(self.training)} image to train on: expected at least 2, as batch norm and the contrastive "
                "term compare images. Train on more images."
            )
        if n_last == 1:
            _logger.info("each epoch leaves out 1 image, since the last batch cannot be of one image")

    def train_epochs(self, until: int | None, progress: bool) -> None:
        """Train until all epochs are done, and leave a checkpoint of the end."""
        from tqdm import tqdm

        state, finished = self.state, self.recipe.epochs
        an_epoch = min(len(self.training), self.n_batches * self.recipe.batch_size)
        done = min(state.step * self.recipe.batch_size, finished * an_epoch)
        self._stop_if_asked(until)
        with tqdm(total=finished * an_epoch, initial=done, unit="image", disable=not progress) as bar:
            while len(state.curves) < finished:
                start = time.perf_counter()
                for rows, images in self._batches_left():
                    parts = self._step(rows, images)
                    state.step += 1
                    state.seconds, start = state.seconds + time.perf_counter() - start, time.perf_counter()
                    bar.update(len(rows))
                    if state.step % _SHOWN_EVERY == 0:
                        bar.set_postfix(dict(zip(PARTS, parts.tolist(), strict=True)))
                    self._stop_if_asked(until)
                    if state.step % self.recipe.checkpoint_every == 0:
                        self._save()
                self._end_epoch()
                state.seconds += time.perf_counter() - start
                if len(state.curves) == finished:
                    self._save()

    def _batches_left(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Give indices (n,) and pixels (n, 3, size, size) of the batches that are left in this epoch."""
        size, epoch = self.recipe.batch_size, len(self.state.curves)
        first = self.state.step - epoch * self.n_batches
        order = self.training[epoch_order(len(self.training), self.recipe.seed, epoch)]
        order = order[first * size : self.n_batches * size]
        rows = torch.from_numpy(order).to(self.state.device).split(size) if len(order) else ()
        pixels = batches(self.cache, order, size, self.state.device, self.about.mean, self.about.std)
        self.state.backbone.train()
        return zip(rows, pixels, strict=True)

    def _step(self, rows: Tensor, images: Tensor) -> Tensor:
        """Change the weights once; give the parts of the loss, (4,) float64."""
        try:
            labels = self.labels[rows] if self.teacher is None else self._labels_as_released(self.teacher, images)
            logits, generated = self._forward(images)
            loss, parts = self._losses(logits, generated, labels, rows)
        except BadInputError as error:
            raise BadInputError(f"{error}. {self._where(rows)}") from error
        if not bool(loss.isfinite()):
            raise BadInputError(f"Got a loss of {loss.item()}: expected a finite number. {self._where(rows)}")
        self.state.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        if self.recipe.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.state.parameters, self.recipe.clip_norm)
        self.state.optimiser.step()
        self.features.clear()
        self.state.sums += parts
        return parts

    def _forward(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Run the network: logits (n, classes), and every head's signals (n, n_signals)."""
        low = self.recipe.precision == "bf16"
        with torch.autocast(self.state.device.type, dtype=torch.bfloat16, enabled=low):
            logits = self.state.backbone(images)
            if self.teacher is not None and self.state.backbone.training:
                self.state.backbone(images)  # the released code generates from the features of a second pass
            return logits, [head(self.features) for head in self.state.heads]

    @torch.no_grad()
    def _labels_as_released(self, teacher: nn.Module, images: Tensor) -> Tensor:
        with torch.autocast(self.state.device.type, dtype=torch.bfloat16, enabled=self.recipe.precision == "bf16"):
            return teacher(images).argmax(1)

    def _losses(
        self, logits: Tensor, generated: Sequence[Tensor], labels: Tensor, rows: Tensor, modes: str | None = None
    ) -> tuple[Tensor, Tensor]:
        """Compute L^A, and its parts without gradient, (4,) float64."""
        mode = modes or self.recipe.contrastive
        classification = classification_loss(logits, labels)
        by_head = [
            generation_loss(signals, measured[rows], mode)
            for signals, measured in zip(generated, self.signals, strict=True)
        ]
        mse, contrastive, total = (
            [torch.stack(values).mean() for values in zip(*by_head, strict=True)]
            if by_head
            else [torch.zeros_like(classification)] * 3
        )
        loss = alignment_loss(classification, total, self.recipe.beta)
        return loss, torch.stack([loss, classification, mse, contrastive]).detach().double()

    def _end_epoch(self) -> None:
        """Validate, and write the curves; the epoch counts as done only then."""
        state = self.state
        try:
            validated = self._validate()
        except BadInputError as error:
            raise BadInputError(
                f"{error}. This was in the validation after step {state.step}. {self._kept()}"
            ) from error
        curve = {"epoch": len(state.curves) + 1, "steps": state.step, "seconds": state.seconds}
        means = (state.sums / self.n_batches).tolist()
        curve |= {f"training_{name}": value for name, value in zip(PARTS, means, strict=True)}
        losses = [one["validation_loss"] for one in state.curves if "validation_loss" in one]
        if validated and validated["validation_loss"] < min(losses, default=float("inf")):
            state.best, state.best_epoch = state.weights(), len(state.curves) + 1
        state.curves.append(curve | validated)
        state.sums.zero_()
        write_text(self.run / "curves.csv", _as_csv(state.curves))

    @torch.no_grad()
    def _validate(self) -> dict[str, float]:
        """Compute losses and Spearman correlations on held-out concepts; stop when asked to meanwhile."""
        if not len(self.validation):
            return {}
        state = self.state
        state.backbone.eval()
        outputs = []
        size = self.recipe.batch_size
        for images in batches(self.cache, self.validation, size, state.device, self.about.mean, self.about.std):
            self._stop_if_asked(None)
            logits, generated = self._forward(images)
            outputs.append((logits.float(), *(signals.float() for signals in generated)))
        self.features.clear()
        logits, *generated = (torch.cat(batch) for batch in zip(*outputs, strict=True))
        rows = torch.from_numpy(self.validation).to(state.device)
        # The contrastive term compares images: one alone has none.
        _, parts = self._losses(logits, generated, self.labels[rows], rows, "none" if len(rows) == 1 else None)
        found = {f"validation_{name}": value for name, value in zip(PARTS, parts.tolist(), strict=True)}
        if generated:
            correlations = [
                spearman_by_image(signals, measured[rows]).mean()
                for signals, measured in zip(generated, self.signals, strict=True)
            ]
            found["validation_spearman"] = float(torch.stack(correlations).mean())
        return found

    def _save(self) -> None:
        checkpoints.save(self.run, self.state.step, self.state.record(), self.origin)

    def _stop_if_asked(self, until: int | None) -> None:
        if not self.stop.name and (until is None or self.state.step < until):
            return
        self._save()
        why = self.stop.name or f"until={until}"
        total = self.recipe.epochs * self.n_batches
        raise Interrupted(
            f"Got {why}: stopped after step {self.state.step} of {total}, and a checkpoint was written to {self.run}. "
            "Start the same training again to go on."
        )

    def _where(self, rows: Tensor) -> str:
        first = ", ".join(str(self.images[row]) for row in rows[:3].tolist())
        return (
            f"This was step {self.state.step + 1}, in epoch {len(self.state.curves) + 1}, whose batch of {len(rows)} "
            f"images begins with {first}. {self._kept()}"
        )

    def _kept(self) -> str:
        return f"The last checkpoint in {self.run} is kept. {MILDER}"


def _as_released(recipe: Recipe, network: nn.Module, device: torch.device) -> nn.Module:
    """Name in the log what is done as in the released code, and give its teacher, which stays in train mode."""
    for sentence in recipe.departures:
        if sentence.startswith("checkpoint: "):
            continue
        _logger.info("as in the released code, %s", sentence)
    _logger.warning("unlike in the released code, the last epoch's weights are the result: no test image is looked at")
    return deepcopy(network).float().to(device).to(memory_format=torch.channels_last).train()


def _as_csv(curves: Sequence[dict[str, float]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(curves[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(curves)
    return text.getvalue()


def _require_space(run: Path, state: RunState) -> None:
    """Refuse a disk that cannot hold the checkpoints that are kept and the one that is being written."""
    values = [*state.backbone.state_dict().values(), *state.heads.state_dict().values()]
    one = _TENSORS_A_WEIGHT * sum(value.nbytes for value in values)
    require_space(run, (checkpoints.KEPT + 1) * one - checkpoints.bytes_in(run))


def _refuse_misfits(recipe: Recipe, data: TrainingData | AcrossSubjects, cache: ImageCache) -> None:
    """Refuse a recipe, data and images that do not belong together."""
    size = tuple(cache.pixels.shape)
    if size != (len(data.images), recipe.image_size, recipe.image_size, 3):
        raise BadInputError(
            f"Got {len(data.images)} training images and decoded ones of shape {size}: expected ({len(data.images)}, "
            f"{recipe.image_size}, {recipe.image_size}, 3). Decode them with image_cache(data.images, "
            "recipe.image_size)."
        )
    subject = None if isinstance(data, AcrossSubjects) else data.subject
    fits = subject == recipe.subject_name and (not recipe.beta or data.n_signals > 0)
    if not fits:
        raise BadInputError(
            f"Got data of {subject or 'no single subject'} with {data.n_signals} signals an image for "
            f"{recipe.identifier}: expected {recipe.subject_name or 'those of all subjects, or none with beta 0'}. "
            "Take training_data(recipe)."
        )
