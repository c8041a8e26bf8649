"""Damaged FITS files: headers, data, lengths."""

import gzip
import random
from pathlib import Path

from fuzz import scenes
from fuzz.trials import Case
from jaxmetal.io import scene

CARDS = [
    b"SIMPLE  =                    F",
    b"BITPIX  =                   17",
    b"BITPIX  =                    8",
    b"NAXIS   =                    0",
    b"NAXIS   =                  999",
    b"NAXIS1  =                    0",
    b"NAXIS1  =                   -9",
    b"NAXIS1  =           1500000000",
    b"NAXIS2  = 'nine    '",
    b"PCOUNT  =  9999999999999999999",
    b"GCOUNT  =                    0",
    b"BSCALE  =                  0.0",
    b"BSCALE  =                  NaN",
    b"BZERO   = 'abc     '",
    b"BLANK   =                    0",
    b"EXTNAME = 3",
    b"EXTNAME = \xff\xfe\xfd",
    b"XTENSION= 'BINTABLE'",
    b"XTENSION= 'FOO     '",
    b"RADESYS = 'FOO     '",
    b"CTYPE1  = 'RA---XYZ'",
    b"CD1_1   =                  0.0",
    b"CDELT1  = 'NaN     '",
    b"CUNIT1  = 'furlong '",
    b"BUNIT   = '$\\frac{1}{$'",
    b"DATASUM = '1       '",
    b"END",
    b"CONTINUE  'x'",
    b"HIERARCH a b c = 3",
]


class Cases:
    """Each is a file of its own, read by a good configuration."""

    def __init__(self, folder: Path):
        self._folder = folder
        scenes.write_map(folder / "good.fits")
        self._good = (folder / "good.fits").read_bytes()
        self._config = scenes.config()
        self._config["maps"] = {"z": dict(scenes.MAP)}
        self._load(self._good, "map.fits")

    def make(self, rng: random.Random) -> Case:
        kind = rng.choice(["card", "card", "cards", "bytes", "cut", "noise", "packed", "empty"])
        content, name = bytearray(self._good), "map.fits"
        if kind in ("card", "cards"):
            for _ in range(1 if kind == "card" else rng.randint(2, 6)):
                at = 80 * rng.randrange(len(content) // 80)
                content[at : at + 80] = rng.choice(CARDS).ljust(80)
        elif kind == "bytes":
            for _ in range(rng.randint(1, 60)):
                content[rng.randrange(len(content))] = rng.randrange(256)
        elif kind == "cut":
            # Into the header or the data of the first image: nothing of it can be whole.
            del content[rng.randrange(int(0.3 * len(content))) :]
        elif kind == "noise":
            content = bytearray(rng.randbytes(rng.choice([1, 80, 2880, 20_000])))
        elif kind == "packed":
            packed = gzip.compress(bytes(content), 1)
            cut = rng.randrange(1, len(packed))
            content = bytearray(packed[:cut] + rng.randbytes(rng.choice([0, 9])))
            name = "map.fits.gz"
        else:
            content = bytearray()
        nonsense = kind in ("cut", "noise", "empty")
        return Case(f"{kind}", lambda: self._load(bytes(content), name), nonsense)

    def _load(self, content: bytes, name: str) -> object:
        (self._folder / name).write_bytes(content)
        self._config["maps"]["z"]["file"] = name
        return scene.build(self._config, self._folder)
