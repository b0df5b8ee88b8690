"""Fitting a dynamics model: epochs, early stopping, and the weights that are kept."""

import math
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Generator, Tensor

from vaml.algorithms.capture import Captured, Numbers, captured
from vaml.config.objectives import Objective
from vaml.data.transitions import Transitions
from vaml.divergence import Diverged, require_finite
from vaml.fast.adam import Adam
from vaml.fast.differentiation import written
from vaml.fast.parameters import ParameterVector
from vaml.losses.likelihood import nll_and_gradients
from vaml.losses.objective import model_loss
from vaml.metrics.model_test import Metrics, batch_means, total
from vaml.networks.dynamics import GaussianDynamics, Prediction
from vaml.networks.value import Value
from vaml.networks.written import WrittenDynamics
from vaml.saving import Arrays, Stateful, load_module, module_arrays, prefixed, seeded
from vaml.seeding import Streams


@dataclass
class EarlyStopping(Stateful):
    """Stops after `patience` validations in a row without a strictly smaller score."""

    saved = ("best", "waited")

    patience: int
    best: float = math.inf
    waited: int = 0

    def improved(self, score: float) -> bool:
        """Take the next score in; True when it is the best so far."""
        if score < self.best:
            self.best, self.waited = score, 0
            return True
        self.waited += 1
        return False

    @property
    def stopped(self) -> bool:
        return self.waited >= self.patience


@dataclass
class FitProgress(Stateful):
    """State of a fit: counters, the stopping rule, the best weights so far."""

    saved = ("stopping", "epochs", "gradient_steps", "best_epoch", "best_weights")

    stopping: EarlyStopping
    max_epochs: int
    max_gradient_steps: int | None
    epochs: int = 0
    gradient_steps: int = 0
    best_epoch: int = 0
    best_weights: Arrays = field(default_factory=dict)

    @property
    def finished(self) -> bool:
        capped = self.max_gradient_steps is not None and (
            self.gradient_steps >= self.max_gradient_steps
        )
        return capped or self.epochs >= self.max_epochs or self.stopping.stopped


class ModelFitting(Stateful):
    """Trains one dynamics model; optimiser and random streams keep their state between fits.

    Streams: `batches` shuffles, `model_noise` and `validation_noise` sample next states and, for a
    stochastic value function, its actions. truth: the true dynamics, for a loss that needs them.
    On a GPU noise is drawn there, and whole batches are replayed as CUDA graphs.
    """

    # The present fit's `progress` is saved by the caller.
    saved = ("model", "optimizer", "noise", "validation_noise", "shuffles")

    def __init__(
        self,
        model: GaussianDynamics,
        value: Value,
        objective: Objective,
        learning_rate: float,
        weight_decay: float,
        batch_size: int,
        streams: Streams,
        truth: GaussianDynamics | None = None,
    ) -> None:
        self.model = model
        self.value = value
        self.objective = objective
        self.batch_size = batch_size
        self.truth = truth
        self._vector = ParameterVector(model.parameters())
        self.optimizer = Adam(self._vector, learning_rate, weight_decay)
        device = self._vector.values.device
        self.predict = WrittenDynamics(model, self._vector) if written() else model
        self.shuffles = streams.numpy("batches")
        self.noise = seeded(streams.seed("model_noise"), device)
        self.validation_noise = seeded(streams.seed("validation_noise"), device)
        self.mle_coefficient = math.nan

    def start(
        self,
        train: Transitions,
        validation: Transitions,
        mle_coefficient: float,
        max_epochs: int,
        patience: int,
        max_gradient_steps: int | None = None,
    ) -> FitProgress:
        """Begin a fit from the present weights, which are no candidate for the best."""
        self.train, self.validation = train, validation
        if mle_coefficient != self.mle_coefficient:
            # A graph holds the coefficient that it was recorded with.
            self.mle_coefficient = mle_coefficient
            device = self._vector.values.device
            self._step = captured(self._gradient_step, self, device)
            self._measure = captured(self._validation_numbers, None, device)
            self._captured = isinstance(self._step, Captured)
        self.progress = FitProgress(EarlyStopping(patience), max_epochs, max_gradient_steps)
        return self.progress

    def epoch(self) -> Metrics | None:
        """One pass over the training split, and a validation.

        A pass that the cap on gradient steps cuts short is not validated and gives None. Raises
        Diverged at the first non-finite loss or parameter. A loss is named with its step; where
        steps are captured, it is seen at the end of the epoch.
        """
        progress = self.progress
        losses: list[Tensor] = []
        for batch in self.train.batches(self.batch_size, self.shuffles):
            losses.append(self.gradient_step(batch)["train_loss"])
            progress.gradient_steps += 1
            if progress.gradient_steps == progress.max_gradient_steps:
                break
        train_loss = total(losses) / len(losses)
        if not math.isfinite(train_loss):
            first = [bool(loss.isfinite()) for loss in losses].index(False)
            progress.gradient_steps += first - len(losses)
            raise Diverged("model training loss", progress.gradient_steps)
        progress.epochs += 1
        require_finite(prefixed("model", module_arrays(self.model)), progress.gradient_steps)
        if len(losses) * self.batch_size < len(self.train):
            return None
        metrics = self._validate()
        if not math.isfinite(metrics["validation_loss"]):
            raise Diverged("model validation loss", progress.gradient_steps)
        if progress.stopping.improved(metrics["validation_loss"]):
            progress.best_epoch = progress.epochs
            progress.best_weights = module_arrays(self.model)
        return {
            "epoch": progress.epochs,
            "gradient_steps": progress.gradient_steps,
            "train_loss": train_loss,
            **metrics,
        }

    def restore_best(self) -> None:
        """Set the weights of the best validation; without one, the last weights stay."""
        if self.progress.best_weights:
            load_module(self.model, self.progress.best_weights)

    def gradient_step(self, batch: Transitions) -> Numbers:
        """One step of Adam down the training loss of a batch."""
        whole = len(batch) == self.batch_size
        return (self._step if whole else self._gradient_step)(*batch.fields(), self.noise)

    def _gradient_step(
        self, observations: Tensor, actions: Tensor, next_observations: Tensor, noise: Generator
    ) -> Numbers:
        batch = Transitions(observations, actions, next_observations)
        if self.mle_coefficient == 1 and isinstance(self.predict, WrittenDynamics):
            loss = self._likelihood_gradients(self.predict, batch)
        else:
            prediction = self.predict(batch.observations, batch.actions)
            loss, _ = model_loss(prediction, *self._loss_arguments(batch, noise))
            self._vector.differentiate(loss)
        # A captured step reads nothing back.
        if not self._captured and not math.isfinite(loss.item()):
            raise Diverged("model training loss", self.progress.gradient_steps)
        self.optimizer.step()
        return {"train_loss": loss.detach()}

    @torch.no_grad()
    def _likelihood_gradients(self, predict: WrittenDynamics, batch: Transitions) -> Tensor:
        """The loss of maximum likelihood alone, its gradients written into the vector.

        Autograd would make the step two thirds longer.
        """
        passes = predict.passes(len(batch))
        heads = passes.forward(batch.observations, batch.actions)
        prediction = Prediction(batch.observations, *heads)
        loss, gradients = nll_and_gradients(prediction, batch.next_observations)
        passes.train(*gradients)
        return loss

    def _loss_arguments(self, batch: Transitions, noise: Generator) -> tuple[Any, ...]:
        """The arguments of `model_loss` after the prediction."""
        return (
            batch.next_observations,
            self.value,
            self.objective,
            self.mle_coefficient,
            noise,
            self.truth(batch.observations, batch.actions) if self.truth else None,
        )

    def _validate(self) -> Metrics:
        def numbers(batch: Transitions) -> Numbers:
            whole = len(batch) == self.batch_size
            measure = self._measure if whole else self._validation_numbers
            return measure(*batch.fields(), self.validation_noise)

        return batch_means(self.validation, self.batch_size, numbers)

    @torch.no_grad()
    def _validation_numbers(
        self, observations: Tensor, actions: Tensor, next_observations: Tensor, noise: Generator
    ) -> Numbers:
        batch = Transitions(observations, actions, next_observations)
        prediction = self.model(batch.observations, batch.actions)
        loss, terms = model_loss(prediction, *self._loss_arguments(batch, noise))
        value_loss = (
            {"validation_value_loss": terms[self.objective.loss]}
            if self.objective.loss in terms
            else {}
        )
        return {
            "validation_loss": loss,
            "validation_nll": prediction.nll(batch.next_observations).mean(),
            "validation_sigma_l1": prediction.log_std.exp().sum(-1).mean(),
            **value_loss,
        }
