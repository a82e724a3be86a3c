"""A small neural network on scikit-learn's handwritten digits, in NumPy. Knows nothing of logging.

1,797 pictures of 8 × 8 pixels come with scikit-learn, so nothing is downloaded.
"""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]
DIGITS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """Pixels from 0 to 1, one row a picture, and the digit that each shows."""

    pixels: Floats
    digits: Labels

    def pick(self, rows: Labels) -> "Pictures":
        """Some of the pictures."""
        return Pictures(pixels=self.pixels[rows], digits=self.digits[rows])


def load_pictures(seed: int = 0) -> tuple[Pictures, Pictures]:
    """Three quarters to train with, the rest to evaluate with; always split alike."""
    pixels, digits = load_digits(return_X_y=True)
    parts = train_test_split(pixels / 16, digits, stratify=digits, random_state=seed)
    train_pixels, eval_pixels, train_digits, eval_digits = parts
    return (
        Pictures(pixels=train_pixels, digits=train_digits),
        Pictures(pixels=eval_pixels, digits=eval_digits),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one step of the optimizer tells."""

    loss: float
    accuracy: float
    confidence: float
    gradient_norm: float
    update_norm: float


@dataclass(slots=True)
class Network:
    """Layers of ReLU and a softmax, trained by gradient descent with momentum."""

    weights: list[Floats]
    momentum: float = 0.0
    velocity: list[Floats] = field(default_factory=list)

    @classmethod
    def make(cls, hidden: tuple[int, ...], momentum: float, seed: int) -> "Network":
        """Random weights; each layer has its bias as its last row."""
        random = np.random.default_rng(seed)
        sizes = (64, *hidden, DIGITS)
        weights = [
            random.normal(0, np.sqrt(2 / inputs), (inputs + 1, outputs))
            for inputs, outputs in pairwise(sizes)
        ]
        return cls(weights, momentum, [np.zeros_like(layer) for layer in weights])

    @property
    def weight_norm(self) -> float:
        """The length of all weights as one vector."""
        return _norm(self.weights)

    def train(self, batch: Pictures, learning_rate: float) -> Step:
        """Take one step down the gradient of the batch's mean loss."""
        activations, chances = self._forward(batch.pixels)
        gradients = self._backward(activations, chances, batch.digits)
        self.velocity = [
            self.momentum * velocity - learning_rate * gradient
            for velocity, gradient in zip(self.velocity, gradients, strict=True)
        ]
        self.weights = [
            layer + velocity for layer, velocity in zip(self.weights, self.velocity, strict=True)
        ]
        return Step(
            loss=_loss(chances, batch.digits),
            accuracy=_accuracy(chances, batch.digits),
            confidence=float(chances.max(axis=1).mean()),
            gradient_norm=_norm(gradients),
            update_norm=_norm(self.velocity),
        )

    def evaluate(self, pictures: Pictures) -> tuple[float, float, Floats]:
        """Loss, accuracy, and the accuracy of each digit."""
        _, chances = self._forward(pictures.pixels)
        right = chances.argmax(axis=1) == pictures.digits
        shown = np.bincount(pictures.digits, minlength=DIGITS)
        each = np.bincount(pictures.digits, weights=right, minlength=DIGITS) / shown
        loss, accuracy = _loss(chances, pictures.digits), _accuracy(chances, pictures.digits)
        return loss, accuracy, each

    def _forward(self, pixels: Floats) -> tuple[list[Floats], Floats]:
        activations = [_with_bias(pixels)]
        for layer in self.weights[:-1]:
            activations.append(_with_bias(np.maximum(activations[-1] @ layer, 0)))
        scores = activations[-1] @ self.weights[-1]
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        return activations, powers / powers.sum(axis=1, keepdims=True)

    def _backward(self, activations: list[Floats], chances: Floats, digits: Labels) -> list[Floats]:
        wrong = (chances - np.eye(DIGITS)[digits]) / len(digits)
        gradients = []
        for layer, inputs in zip(reversed(self.weights), reversed(activations), strict=True):
            gradients.append(inputs.T @ wrong)
            wrong = (wrong @ layer[:-1].T) * (inputs[:, :-1] > 0)
        return gradients[::-1]


def _with_bias(values: Floats) -> Floats:
    return np.hstack([values, np.ones((len(values), 1))])


def _loss(chances: Floats, digits: Labels) -> float:
    return float(-np.log(chances[np.arange(len(digits)), digits] + 1e-12).mean())


def _accuracy(chances: Floats, digits: Labels) -> float:
    return float((chances.argmax(axis=1) == digits).mean())


def _norm(layers: list[Floats]) -> float:
    return float(np.sqrt(sum(float((layer**2).sum()) for layer in layers)))
