"""FITS files that are damaged, packed, or ask for more than there can be: one line each."""

import bz2
import gzip
import lzma
import struct
import zipfile

import numpy as np
import pytest
from astropy.io import fits

import jaxmetal as jm
from jaxmetal.io import unpack
from jaxmetal.io.fits import read_header, read_image, read_map
from jaxmetal.io.psfs import read_psf

# Precision plays no part here, or the one in which most people run.
pytestmark = pytest.mark.precision("single")

VALUES = np.arange(9, dtype=">f8").reshape(3, 3)
PRIMARY = [
    "SIMPLE  =                    T",
    "BITPIX  =                    8",
    "NAXIS   =                    0",
]


def block(cards, data=b""):
    """An HDU, byte by byte."""
    head = b"".join(card.ljust(80).encode("latin1") for card in [*cards, "END"])
    return head + b" " * (-len(head) % 2880) + data + b"\0" * (-len(data) % 2880)


def image(*more, data=None, **cards):
    """A file with an image Z; keywords replace the cards that describe it."""
    described = {
        "XTENSION": "'IMAGE   '",
        "BITPIX": "-64",
        "NAXIS": "2",
        "NAXIS1": "3",
        "NAXIS2": "3",
        "PCOUNT": "0",
        "GCOUNT": "1",
    }
    described |= {"EXTNAME": "'Z       '"} | cards
    data = VALUES.tobytes() if data is None else data
    cards = [f"{key:8s}= {value:>20}" for key, value in described.items()]
    return block(PRIMARY) + block([*cards, *more], data)


def two_bytes(**cards):
    return image(BITPIX="16", data=np.arange(9, dtype=">i2").tobytes(), **cards)


def compressed(**changes):
    """A tile-compressed image whose table says something else."""
    cards = {
        "XTENSION": "'BINTABLE'",
        "BITPIX": "8",
        "NAXIS": "2",
        "NAXIS1": "8",
        "NAXIS2": "3",
        "PCOUNT": "10",
        "GCOUNT": "1",
        "TFIELDS": "1",
        "TTYPE1": "'COMPRESSED_DATA'",
        "TFORM1": "'1PB(5)'",
        "ZIMAGE": "T",
        "ZCMPTYPE": "'RICE_1'",
        "ZBITPIX": "16",
        "ZNAXIS": "2",
        "ZNAXIS1": "3",
        "ZNAXIS2": "3",
        "ZTILE1": "3",
        "ZTILE2": "1",
        "EXTNAME": "'Z'",
    } | changes
    rows = b"\0\0\0\5\0\0\0\0" * 3 + b"0123456789"
    return block(PRIMARY) + block([f"{key:8s}= {value:>20}" for key, value in cards.items()], rows)


DAMAGED = {
    "a name without quotes": (
        image(EXTNAME="METAL"),
        "unknown extension 'Z'. It may be one of: 1, PRIMARY",
    ),
    "a unit without quotes": (image(BUNIT="dex"), r"\[Z\]: the header card BUNIT cannot be read"),
    "no columns": (
        image(NAXIS1="0", data=b""),
        r"\[Z\]: expected an image, the extension holds no data",
    ),
    "no groups": (image(GCOUNT="0"), "cannot be read as a FITS file"),
    "a kind without quotes": (image(XTENSION="IMAGE"), r"\[Z\]: cannot be read as an image"),
    "an unknown kind": (
        image(XTENSION="'FOO     '"),
        r"unknown extension 'Z'|\[Z\]: (cannot be read|expected an image)",
    ),
    "an unknown number of bits": (
        image(BITPIX="7"),
        r"unknown extension|\[Z\]: (cannot be read|the data are damaged)",
    ),
    "a negative size": (image(NAXIS1="-3"), "cannot be read as a FITS file"),
    "a size that is a text": (image(NAXIS1="abc"), "unknown extension 'Z'|cannot be read"),
    "a size that is a fraction": (image(NAXIS1="3.5"), "cannot be read as a FITS file"),
    "a thousand axes": (image(NAXIS="1000"), "cannot be read as a FITS file"),
    "more pixels than any map": (
        image(NAXIS1="100000", NAXIS2="100000"),
        r"\[Z\]: the header says 100000 × 100000 values",
    ),
    "more pixels than there are numbers": (
        image(NAXIS1="10000000000", NAXIS2="10000000000"),
        "unknown extension 'Z'|the header says",
    ),
    "values scaled by zero": (
        two_bytes(BSCALE="0.0"),
        r"\[Z\]: the values are scaled by BSCALE = 0.0, after which none",
    ),
    "values scaled by a word": (
        two_bytes(BSCALE="'one'"),
        r"\[Z\]: the values are scaled by BSCALE = 'one'",
    ),
    "a scale without quotes": (
        two_bytes(BZERO="one"),
        "unknown extension 'Z'|the header card BZERO cannot be read",
    ),
    "bad tiles": (compressed(), r"\[Z\]: the data are damaged or cut short"),
    "an unknown compression": (
        compressed(ZCMPTYPE="'FOO'"),
        r"Z\]: .*(cannot be read|damaged)|cannot be read as a FITS file",
    ),
    "tiles of a giant": (
        compressed(ZNAXIS1="900000000", ZTILE1="900000000"),
        "the header says 3 × 900000000 values",
    ),
    "a damaged zip": (b"PK\3\4" + b"0" * 100, "cannot be read as a FITS file"),
    "a damaged bzip2": (b"BZh9" + b"0" * 100, "cannot be read as a FITS file"),
    "a damaged xz": (b"\xfd7zXZ\0" + b"0" * 100, "cannot be read as a FITS file"),
    "a damaged gzip": (
        b"\x1f\x8b\x08\0" + b"0" * 100,
        "cannot be read as a FITS file|unpacks to more",
    ),
    "the old compress": (b"\x1f\x9d\x90" + b"0" * 100, r"packed by the old compress \(\.Z\)"),
}


@pytest.mark.parametrize(("content", "message"), DAMAGED.values(), ids=DAMAGED)
def test_a_file_that_breaks_the_rules_is_one_line(tmp_path, content, message):
    (tmp_path / "m.fits").write_bytes(content)
    with pytest.raises(jm.InputError, match=rf"^{tmp_path}/m\.fits.*({message})") as refused:
        read_map(tmp_path / "m.fits", "Z")
    assert "\n" not in str(refused.value)
    # Whoever else reads the file has no traceback either.
    for read in (
        lambda path: read_header(path, 1),
        lambda path: read_psf(path, 0.1, 1),
        lambda path: read_psf(path, 0.1),
    ):
        try:
            read(tmp_path / "m.fits")
        except jm.InputError as error:
            assert "\n" not in str(error)


def test_what_is_only_odd_is_read(tmp_path):
    """Bytes that are no text, a blank that is none, cards and names without quotes."""
    for content in (
        image("FOO     = \1\2", "HIERARCH foo bar = baz"),
        image(BUNIT="'\xc5'"),
        image(BLANK="'x'"),
        image(EXTNAME="METAL"),
    ):
        (tmp_path / "m.fits").write_bytes(content)
        np.testing.assert_array_equal(read_image(tmp_path / "m.fits", 1), VALUES)
    assert read_header(tmp_path / "m.fits", 1)["NAXIS1"] == 3


def test_packed_files_are_read(tmp_path):
    whole = image()
    for name, pack in {
        "m.fits.gz": gzip.compress,
        "m.fits.bz2": bz2.compress,
        "m.fits.xz": lzma.compress,
        "m.fits": gzip.compress,
    }.items():
        (tmp_path / name).write_bytes(pack(whole))
        np.testing.assert_array_equal(read_image(tmp_path / name, "Z"), VALUES)
    with zipfile.ZipFile(tmp_path / "m.zip", "w") as archive:
        archive.writestr("m.fits", whole)
    np.testing.assert_array_equal(read_image(tmp_path / "m.zip", "z"), VALUES)
    with zipfile.ZipFile(tmp_path / "m.zip", "a") as archive:
        archive.writestr("n.fits", whole)
    with pytest.raises(jm.InputError, match=r"m\.zip: a zip with 2 files"):
        read_image(tmp_path / "m.zip", "Z")
    fits.HDUList(
        [
            fits.PrimaryHDU(),
            fits.CompImageHDU(np.arange(400, dtype=np.int16).reshape(20, 20), name="Z"),
        ]
    ).writeto(tmp_path / "m.fz")
    assert read_image(tmp_path / "m.fz", "Z")[19, 19] == 399


def test_a_file_that_unpacks_to_more_than_any_maps_is_refused(tmp_path, monkeypatch):
    """By what gzip says of its size, and by what comes out, however it is packed."""
    packed = gzip.compress(image())
    (tmp_path / "m.fits.gz").write_bytes(packed[:-4] + struct.pack("<I", 3 * 10**9))
    with pytest.raises(jm.InputError, match=r"m\.fits\.gz: unpacks to more than 2 GiB"):
        read_image(tmp_path / "m.fits.gz", "Z")
    monkeypatch.setattr(unpack, "MOST_BYTES", 8000)
    for pack in (gzip.compress, bz2.compress, lzma.compress):
        (tmp_path / "m.fits").write_bytes(pack(image() + bytes(10_000_000)))
        with pytest.raises(jm.InputError, match=r"m\.fits: unpacks to more than"):
            read_image(tmp_path / "m.fits", "Z")
