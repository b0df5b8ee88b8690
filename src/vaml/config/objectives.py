"""Objectives of model learning: a loss, its weight against the likelihood, its sample count."""

from typing import Literal

from pydantic import Field

from vaml.config.fields import (
    Coefficient,
    Count,
    NonNegative,
    Positive,
    Rows,
    Samples,
    Section,
    Share,
    by_name,
)

Loss = Literal[
    "vaml",
    "vaml_debiased",
    "vaml_exact",
    "vaml_noisy_samples",
    "vaml_noisy_targets",
    "vaml_score_function",
    "vagram",
    "mse",
    "kl",
]

# Losses that need the true distribution of s', or an expectation of V in closed form, which only
# the artificial environment has.
NEED_TRUTH: frozenset[str] = by_name(
    frozenset({"vaml_exact", "vaml_noisy_samples", "vaml_noisy_targets", "kl"})
)
# Losses that need two samples, because they estimate a variance over the model's samples.
NEED_TWO_SAMPLES: frozenset[str] = by_name(
    frozenset({"vaml_debiased", "vaml_noisy_samples", "vaml_score_function"})
)


class Objective(Section):
    """Objective of a dynamics model, eq. (10): c * NLL + (1 - c) * loss."""

    loss: Loss = Field(description="loss that is mixed with the NLL; vaml is eq. (9)")
    mle_coefficient: Coefficient = Field(
        description="weight of the NLL in eq. (10): 1 is maximum likelihood, 0 the loss alone"
    )
    model_samples: Samples = Field(description="next states sampled per transition (K)")


class FitSettings(Section):
    """Optimisation of one offline fit with early stopping on the validation loss."""

    learning_rate: Positive = Field(description="Adam's step size")
    weight_decay: NonNegative = Field(description="L2 penalty inside Adam, on all parameters")
    batch_size: Rows = Field(description="transitions per gradient step")
    max_epochs: Count = Field(description="maximum number of passes over the training split")
    patience: Count = Field(description="validations without improvement before stopping")
    validation_fraction: Share = Field(description="share of the transitions for validation")

    def held_out(self, transitions: int) -> list[int]:
        """Sizes of the parts that are not for training."""
        return [round(self.validation_fraction * transitions)]
