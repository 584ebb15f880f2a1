"""How a sky of `overcast.data.skies` is painted: scenes from traits, then sky, sun, clouds, land, fog, rain and camera.

Every picture depends on (seed, index) alone: any indices may be drawn in any order, in blocks or in parallel.
Only operations that IEEE 754 rounds exactly are used (no exp, sin or pow), and sums over many numbers only
where they are exact, so that the pixels are the same on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from overcast.data._value_noise import Floats, ValueNoise, blend, clip, picture_keys

CLASSES = ("cloudy", "foggy", "rainy", "shine", "sunrise")
BLOCK = 16  # pictures painted at once: enough to spread numpy's overhead, few enough for a core's cache

TRAITS = {  # the range of each trait by class, in the order of CLASSES
    "cover": ((0.55, 0.95), (0.10, 0.80), (0.60, 1.00), (0.05, 0.60), (0.10, 0.75)),  # clouds in the sky
    "crisp": ((0.20, 0.70), (0.00, 0.40), (0.00, 0.50), (0.50, 1.00), (0.20, 0.80)),  # edges of the clouds
    "relief": ((0.40, 1.00), (0.00, 0.50), (0.20, 0.80), (0.30, 0.90), (0.20, 0.80)),  # their light and shade
    "blue": ((0.20, 0.80), (0.00, 0.50), (0.00, 0.50), (0.45, 1.00), (0.20, 0.80)),  # colour of the open sky
    "warm": ((0.00, 0.35), (0.00, 0.50), (0.00, 0.30), (0.00, 0.35), (0.40, 1.00)),  # glow at the horizon
    "haze": ((0.10, 0.50), (0.65, 0.95), (0.20, 0.65), (0.00, 0.35), (0.10, 0.55)),  # contrast lost far off
    "rain": ((0.00, 0.15), (0.00, 0.15), (0.50, 1.00), (0.00, 0.00), (0.00, 0.10)),  # streaks
    "wet": ((0.00, 0.40), (0.00, 0.50), (0.40, 1.00), (0.00, 0.20), (0.00, 0.40)),  # how the ground mirrors
    "dark": ((0.20, 0.70), (0.00, 0.50), (0.40, 1.00), (0.00, 0.30), (0.40, 1.00)),  # shade of the land
    "sun": ((0.00, 0.35), (0.00, 0.40), (0.00, 0.15), (0.50, 1.00), (0.40, 1.00)),  # disc, glare, shadows
    "height": ((0.10, 1.00), (0.10, 1.00), (0.10, 1.00), (0.30, 1.00), (0.00, 0.25)),  # of the sun
}
THICKEST = 0.97  # haze in which all but what is near is gone
RIDGES = (("far", 0.0, 0.24, 0.7), ("middle", 0.03, 0.16, 0.35), ("near", 0.28, 0.3, 0.12))
"""Name, base below the horizon and greatest height in pictures, depth."""


def label_of(index: int) -> int:
    """The class of a picture, as an index into ``CLASSES``."""
    return index % len(CLASSES)


def render(
    indices: range | list[int], *, seed: int, size: int, difficulty: float, fog: float = 0.0, exposure: float = 1.0
) -> NDArray[np.uint8]:
    """The pictures of these indices: (N, size, size, 3) uint8, red first.

    fog: from 0, each as it is, to 1, all in thick fog. exposure: times the camera's own.
    """
    planes = np.empty((len(indices), 3, size, size), dtype=np.uint8)
    for start in range(0, len(indices), BLOCK):
        block = indices[start : start + BLOCK]
        planes[start : start + BLOCK] = _paint(_set_up(block, seed, size, difficulty, fog), exposure)
    return planes.transpose(0, 2, 3, 1)


@dataclass(frozen=True)
class Scene(ValueNoise):
    """What the painters of a block of N pictures share; arrays are float32 and broadcast to (N, C, H, W)."""

    traits: dict[str, Floats]  # each (N, 1, 1, 1)

    @cached_property
    def y(self) -> Floats:
        """Down from the top, 0 to 1: (1, 1, H, 1)."""
        return ((np.arange(self.size, dtype=np.float32) + 0.5) / self.size).reshape(1, 1, -1, 1)

    @cached_property
    def x(self) -> Floats:
        """From the left, 0 to 1: (1, 1, 1, W)."""
        return self.y.reshape(1, 1, 1, -1)

    @cached_property
    def horizon(self) -> Floats:
        return self.draw("horizon", low=0.48, high=0.82)

    @cached_property
    def glow(self) -> Floats:
        """The colour of the sky at the horizon, and of the fog: (N, 3, 1, 1)."""
        pale = self.colour("pale", (0.72, 0.75, 0.78), (0.85, 0.86, 0.88))
        return blend(pale, self.colour("warm", (0.98, 0.55, 0.45), (1.0, 0.72, 0.32)), self.traits["warm"])


# ---- painters --------------------------------------------------------------------------------------------


def _set_up(indices: range | list[int], seed: int, size: int, difficulty: float, fog: float) -> Scene:
    """A block's scene: each trait from the range of its class, then astray towards that of any weather."""
    scene = Scene(picture_keys(seed, indices), size, {})
    labels = [label_of(index) for index in indices]
    for name, ranges in TRAITS.items():
        low, high = np.array(ranges, dtype=np.float32).T[:, :, None, None, None]
        own = blend(low[labels], high[labels], scene.draw(name))
        any_weather = blend(low.min(), high.max(), scene.draw(f"{name} of any weather"))
        scene.traits[name] = blend(own, any_weather, scene.draw(f"{name} astray", high=difficulty))
    scene.traits["haze"] = blend(scene.traits["haze"], THICKEST, fog)
    return scene


def _paint(scene: Scene, exposure: float) -> NDArray[np.uint8]:
    """Planes (N, 3, H, W) of a block."""
    picture, light, halo = _sun(scene, _sky(scene))
    picture = _clouds(scene, picture, light, halo)
    picture, depth = _land(scene, picture)
    picture = _fog(scene, picture, depth)
    return _camera(scene, _rain(scene, picture), exposure)


def _sky(scene: Scene) -> Floats:
    """Open sky: grey or blue, violet where it is warm, fading to the glow at the horizon."""
    grey = scene.colour("grey", (0.42, 0.45, 0.50), (0.66, 0.68, 0.71))
    top = blend(grey, scene.colour("blue", (0.10, 0.30, 0.68), (0.32, 0.56, 0.86)), scene.traits["blue"])
    dawn = scene.colour("dawn", (0.22, 0.24, 0.48), (0.46, 0.36, 0.55))
    low = clip(scene.y / scene.horizon)
    return blend(blend(top, dawn, scene.traits["warm"] * 0.6), scene.glow, low * low * (0.4 + 0.6 * low))


def _sun(scene: Scene, picture: Floats) -> tuple[Floats, Floats, Floats]:
    """Disc and glare; also the light's colour (N, 3, 1, 1) and the glare (N, 1, H, W)."""
    sun, x = scene.traits["sun"], scene.x - scene.draw("sun x", low=0.05, high=0.95)
    y = scene.y - scene.horizon * (1.0 - 0.95 * scene.traits["height"])
    distance = x * x + y * y  # squared, as are all lengths here
    radius = scene.draw("sun radius", low=0.03, high=0.07)
    disc = clip((radius * radius - distance) / (radius * 0.03) + 0.5) * clip(sun * 2.5 - 0.6)
    halo = sun * (sun * 0.015 / (0.015 + distance) + 0.03 / (0.12 + distance))
    light = scene.colour("sunlight", (1.0, 0.97, 0.88), (1.0, 0.93, 0.75))
    light = blend(light, scene.glow, 0.5 * scene.traits["warm"])
    return blend(picture, light * 1.05, clip(halo + disc)), light, halo


def _clouds(scene: Scene, picture: Floats, light: Floats, halo: Floats) -> Floats:
    """Four octaves of noise, cut at the cover and lit from above by their own slope."""
    fade, relief = scene.draw("cloud fade", low=0.4, high=0.75), scene.traits["relief"]
    noise: Floats = np.zeros_like(halo)
    weight = 1 / (1 + fade + fade * fade + fade * fade * fade)
    for rows, columns in ((3, 2), (7, 4), (15, 9), (31, 19)):
        noise = noise + weight * (scene.plane(f"cloud {rows}", rows, columns, "receding") - 0.5)
        weight = weight * fade
    shift = max(scene.size // 21, 1)
    slope = noise - noise[:, :, np.maximum(np.arange(scene.size) - shift, 0)]
    lit = clip(0.55 + slope * (0.75 + 2.5 * relief) - noise * relief + 0.4 * halo)
    white = blend(np.full_like(light, 0.98), scene.glow, 0.1 + 0.8 * scene.traits["warm"])
    shade = scene.colour("cloud shade", (0.34, 0.36, 0.42), (0.56, 0.58, 0.62))
    share = clip((noise * 2.0 - 0.5 + scene.traits["cover"] * 1.1) / (0.7 - 0.6 * scene.traits["crisp"]))
    return blend(picture, blend(blend(shade, scene.glow, 0.2), white, lit), share * 0.95)


def _land(scene: Scene, picture: Floats) -> tuple[Floats, Floats]:
    """Three ridges of hills or houses, water between the last two; also the depth (N, 1, H, W), at most 1."""
    depth = 0.45 + 0.55 * clip(scene.y / scene.horizon)  # overhead, sky is seen through less haze
    hard = scene.traits["sun"] * (1 - scene.traits["cover"])
    shadow = (clip(scene.plane("shadow", 31, 13) * 5 - 2.0) - 0.5) * (0.12 + 0.5 * hard)
    bright = (1 - 0.72 * scene.traits["dark"]) * (1 + shadow)
    for name, base, tall, near in RIDGES:
        if name == "near":
            picture = _water(scene, picture, scene.horizon + 0.03)
        town = scene.draw(f"{name} town") < 0.35
        hills = 0.6 * scene.line(f"{name} hill", 3) + 0.25 * scene.line(f"{name} tree", 13)
        hills = hills + 0.15 * scene.line(f"{name} leaf", 31)
        skyline = np.where(town, 0.8 * scene.line(f"{name} house", 17, "blocks"), hills)
        top = scene.horizon + base - tall * scene.draw(f"{name} height") * skyline
        inside = clip((scene.y - top) * scene.size + 0.5)
        green = scene.colour(f"{name} green", (0.16, 0.30, 0.14), (0.42, 0.50, 0.22))
        brown = scene.colour(f"{name} brown", (0.30, 0.24, 0.20), (0.55, 0.50, 0.45))
        colour = np.where(town | (scene.draw(f"{name} bare") < 0.3), brown, green)
        picture, depth = blend(picture, colour * bright, inside), blend(depth, near, inside)
    return picture, depth


def _water(scene: Scene, picture: Floats, shore: Floats) -> Floats:
    """Water, or wet ground, shows what stands above the shore upside down."""
    rows = np.clip((2 * shore - scene.y) * scene.size, 0, scene.size - 1).astype(int)[:, :, :, 0]  # (N, 1, H)
    mirrored = picture[np.arange(len(picture))[:, None, None], np.arange(3)[:, None], rows]
    gloss = np.where(scene.draw("water") < 0.35, 0.85, 0.5 * scene.traits["wet"])
    ripple = 0.7 + 0.4 * scene.plane("ripple", 47, 5)
    return blend(picture, mirrored * ripple, gloss * clip((scene.y - shore) * scene.size))


def _fog(scene: Scene, picture: Floats, depth: Floats) -> Floats:
    """Contrast lost with depth, in banks."""
    haze = scene.traits["haze"]
    optical = haze * depth * (0.7 + 0.6 * scene.plane("fog bank", 3, 2))
    return blend(picture, blend(scene.glow, 0.75, 0.4), clip(optical / (optical + 1.02 - haze)))


def _rain(scene: Scene, picture: Floats) -> Floats:
    """Two sheets of slanting streaks: a sheet is cut into cells, and each cell holds a streak or does not."""
    strength, slope = clip(scene.traits["rain"] * 1.5 - 0.4), scene.draw("slope", low=-0.45, high=0.45)
    streaks = strength * 0
    for name, columns, rows in (("near", 48, 4), ("far", 80, 9)):
        thin = scene.draw(f"{name} columns", low=0.6 * columns, high=columns)
        across = (scene.x + slope * scene.y + 1.0) * thin
        column = np.floor(across)
        along = scene.y * scene.draw(f"{name} rows", low=0.5 * rows, high=rows) + column * 0.618  # staggered
        row = np.floor(along)
        across, along = across - column, along - row
        streak = scene.bits(f"{name} streak", (column * 1024 + row).astype(np.uint64)) < np.uint64(2**62)
        bright = scene.draw(f"{name} bright", low=2.5, high=5.5)
        streaks = streaks + streak * (1 - np.abs(2 * across - 1)) * along * (1 - along) * bright
    return blend(picture, 0.9, clip(streaks * strength * 0.5))


def _camera(scene: Scene, picture: Floats, exposure: float) -> NDArray[np.uint8]:
    """Metered exposure and white balance, both a bit off; vignette, contrast and grain."""
    meter = np.floor(clip(picture[:, :, ::4, ::4]) * 255).astype(np.int64)  # whole numbers: an exact mean
    mean = (meter.mean(axis=(2, 3), keepdims=True) / 255).astype(np.float32) + 0.05  # (N, 3, 1, 1)
    grey = (mean[:, :1] + mean[:, 1:2] + mean[:, 2:]) / 3
    warmer = scene.colour("warmer", (0.12, 0.0, -0.12), (-0.12, 0.0, 0.12))
    greener = scene.colour("greener", (-0.02, 0.04, -0.02), (0.02, -0.04, 0.02))
    balance = (0.65 + 0.35 * grey / mean) * (1 + warmer + greener)
    gain = blend(grey, scene.draw("exposure", low=0.38, high=0.66), 0.8) / grey * exposure
    x, y = scene.x - 0.5, scene.y - 0.5
    picture = clip(picture * (balance * gain) * (1 - scene.draw("vignette", high=0.6) * (x * x + y * y)))
    picture = blend(picture, picture * picture * (3 - 2 * picture), scene.draw("punch", high=0.9))
    number = picture[0].size
    words = scene.bits("grain", np.arange(-(-number // 4), dtype=np.uint64)[None])  # four numbers a word
    grain = words.astype("<u8").view("<i2")[:, :number].reshape(picture.shape).astype(np.float32)
    amount = scene.draw("grain amount", low=0.08, high=0.27)
    return (clip(picture + grain * (amount * amount / 2**15)) * 255.0 + 0.5).astype(np.uint8)
