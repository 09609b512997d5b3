"""Where boxes are and how fast they move: a Kalman filter over many boxes at once.

A box is (centre x, centre y, width, height) in pixels. The centre moves with a velocity that
changes by random accelerations; width and height change at random and have no velocity, because a
box that shrinks while its object goes behind something must not go on shrinking. As neither the
noise nor the measurement couples the four numbers, each has a filter of its own: the covariance is
three numbers for each, and nothing has to be inverted.
"""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Rows = NDArray[np.intp]

# All as fractions of the box's height, in the order centre x, centre y, width, height.
MEASUREMENT = np.array([0.05, 0.05, 0.10, 0.10])
"""Standard deviation of a detected box."""
ACCELERATION = np.array([0.25, 0.25, 0.0, 0.0])
"""Standard deviation of the change of velocity within one second, per second."""
GROWTH = np.array([0.0, 0.0, 0.15, 0.15])
"""Standard deviation of the change of size within one second."""
FIRST_SPEED = np.array([1.0, 1.0, 0.0, 0.0])
"""Standard deviation of the velocity of an object that was seen once, per second."""


@dataclass(slots=True)
class Motion:
    """The filters of n boxes; row i of every (n, 4) array is the same box."""

    position: Array
    velocity: Array
    """Pixels per second."""
    position_var: Array
    covariance: Array
    """Of position and velocity."""
    velocity_var: Array

    @classmethod
    def start(cls, boxes: Array) -> Self:
        """Return filters for `boxes`, (n, 4) x1 y1 x2 y2, seen for the first time."""
        measured = to_centres(boxes)
        height = measured[:, 3:]
        return cls(
            position=measured,
            velocity=np.zeros_like(measured),
            position_var=(MEASUREMENT * height) ** 2,
            covariance=np.zeros_like(measured),
            velocity_var=(FIRST_SPEED * height) ** 2,
        )

    @property
    def boxes(self) -> Array:
        """(n, 4) x1 y1 x2 y2."""
        centre, half = self.position[:, :2], self.position[:, 2:] / 2
        return np.hstack([centre - half, centre + half])

    @property
    def doubt(self) -> Array:
        """(n, 2) standard deviation of the centre in x and y, pixels."""
        deviation: Array = np.sqrt(self.position_var[:, :2])
        return deviation

    def predict(self, seconds: float) -> None:
        """Move every box on by `seconds`; many small steps come to the same as one."""
        accelerated = (ACCELERATION * self.position[:, 3:]) ** 2
        grown = (GROWTH * self.position[:, 3:]) ** 2
        self.position = self.position + seconds * self.velocity
        self.position_var = (
            self.position_var
            + 2 * seconds * self.covariance
            + seconds**2 * self.velocity_var
            + seconds**3 / 3 * accelerated
            + seconds * grown
        )
        self.covariance = self.covariance + seconds * self.velocity_var
        self.covariance += seconds**2 / 2 * accelerated
        self.velocity_var = self.velocity_var + seconds * accelerated

    def correct(self, rows: Rows, boxes: Array) -> None:
        """Take `boxes`, (m, 4) x1 y1 x2 y2, as the measured places of the boxes in `rows`."""
        measured = to_centres(boxes)
        noise = (MEASUREMENT * measured[:, 3:]) ** 2
        prior_var, prior_cov = self.position_var[rows], self.covariance[rows]
        gain = prior_var / (prior_var + noise)
        speed_gain = prior_cov / (prior_var + noise)
        surprise = measured - self.position[rows]
        self.position[rows] += gain * surprise
        self.velocity[rows] += speed_gain * surprise
        self.position_var[rows] = (1 - gain) * prior_var
        self.covariance[rows] = (1 - gain) * prior_cov
        self.velocity_var[rows] -= speed_gain * prior_cov

    def take(self, rows: Rows) -> Self:
        """Return the filters of `rows` alone."""
        return type(self)(*(getattr(self, field.name)[rows] for field in fields(self)))

    def join(self, other: Self) -> Self:
        """Return these filters followed by those of `other`."""
        names = [field.name for field in fields(self)]
        return type(self)(*(np.vstack([getattr(self, n), getattr(other, n)]) for n in names))


def to_centres(boxes: Array) -> Array:
    """Return (n, 4) centre x, centre y, width, height of (n, 4) x1 y1 x2 y2."""
    low, high = boxes[:, :2], boxes[:, 2:4]
    return np.hstack([(low + high) / 2, high - low])
