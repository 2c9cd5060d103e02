"""A colour map for spectrograms: dark blue, violet, orange, light yellow, in steps that look equally large."""

from functools import lru_cache

import numpy as np

LIGHTNESS = (4.0, 97.0)
HUE = (285.0, 460.0)
"""Degrees in CIELAB from the quietest to the loudest: blue, through red, to yellow."""
CHROMA = 70.0
WHITE = np.array([0.95047, 1.0, 1.08883])
"""D65."""
TO_RGB = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])


@lru_cache
def colormap(count: int) -> np.ndarray:
    """[count, 3] uint8 sRGB; neighbours are at equal distances in CIELAB, and the lightness only grows."""
    fine = _path(np.linspace(0, 1, 4096))
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(fine, axis=0), axis=1))])
    places = np.linspace(0, along[-1], count)
    lab = np.stack([np.interp(places, along, fine[:, i]) for i in range(3)], axis=1)
    return np.rint(255 * np.clip(_rgb(lab), 0, 1)).astype(np.uint8)


def _path(t: np.ndarray) -> np.ndarray:
    """[N] in 0..1 -> CIELAB [N, 3] within what a screen can show: its chroma is lowered where it must be."""
    lightness = LIGHTNESS[0] + (LIGHTNESS[1] - LIGHTNESS[0]) * t
    hue = np.radians(HUE[0] + (HUE[1] - HUE[0]) * t)
    chroma = CHROMA * np.sin(np.pi * np.clip(t, 0, 1)) ** 0.6
    for _ in range(200):
        lab = np.stack([lightness, chroma * np.cos(hue), chroma * np.sin(hue)], axis=1)
        rgb = _rgb(lab)
        outside = ((rgb < 0) | (rgb > 1)).any(axis=1)
        if not outside.any():
            break
        chroma = np.where(outside, 0.97 * chroma, chroma)
    return lab


def _rgb(lab: np.ndarray) -> np.ndarray:
    """CIELAB [N, 3] -> sRGB [N, 3], beyond 0..1 where it cannot be shown."""
    y = (lab[:, 0] + 16) / 116
    cubes = np.stack([y + lab[:, 1] / 500, y, y - lab[:, 2] / 200], axis=1)
    xyz = WHITE * np.where(cubes > 6 / 29, cubes**3, 3 * (6 / 29) ** 2 * (cubes - 4 / 29))
    linear = xyz @ TO_RGB.T
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.abs(linear) ** (1 / 2.4) - 0.055)
