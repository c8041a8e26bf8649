"""lenstronomy's dictionaries for small scenes; nothing here needs lenstronomy itself."""

import numpy as np

SIDE, PIXEL = 13, 0.2
ROTATED = PIXEL * np.array([[-np.cos(0.3), np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]])
LIGHTS = [
    ("SERSIC", {"amp": 16.0, "R_sersic": 0.6, "n_sersic": 1.0, "center_x": 0.1, "center_y": -0.05}),
    (
        "SERSIC_ELLIPSE",
        {
            "amp": 5.0,
            "R_sersic": 0.4,
            "n_sersic": 2.5,
            "e1": 0.2,
            "e2": -0.1,
            "center_x": -0.4,
            "center_y": 0.3,
        },
    ),
    ("GAUSSIAN", {"amp": 9.0, "sigma": 0.3, "center_x": 0.5, "center_y": 0.4}),
    ("SERSIC", {"amp": 3.0, "R_sersic": 0.8, "n_sersic": 0.7, "center_x": -0.2, "center_y": -0.5}),
]
TRACERS = [
    ("LINEAR", {"amp": 8.0, "k": -0.3, "center_x": 0.1, "center_y": -0.05}),
    ("LINEAR", {"amp": 7.5, "k": 0.2, "center_x": -0.4, "center_y": 0.3}),
    (
        "LINEAR_ELLIPSE",
        {"amp": 8.4, "k": 0.1, "e1": -0.1, "e2": 0.2, "center_x": 0.0, "center_y": 0.2},
    ),
    ("LINEAR", {"amp": 6.9, "k": -0.1, "center_x": 0.0, "center_y": 0.0}),
]


def kernel(size, width):
    """A lumpy picture of a point source, not normalised."""
    row, column = np.indices((size, size)) - (size - 1) / 2
    return np.exp(-0.5 * (row**2 + column**2) / width**2) * (
        1 + 0.1 * np.random.default_rng(0).random((size, size))
    )


def pixel_psf(size=9, width=1.2, factor=1, **options):
    return {
        "psf_type": "PIXEL",
        "kernel_point_source": kernel(size, width),
        "point_source_supersampling_factor": factor,
        **options,
    }


def data(values=None, sigma=None, side=SIDE, matrix=None, **options):
    """kwargs_data of a frame about (0, 0)."""
    matrix = PIXEL * np.eye(2) if matrix is None else matrix
    x, y = -matrix @ np.full(2, (side - 1) / 2)
    frame = {
        "image_data": np.zeros((side, side)),
        "noise_map": np.ones((side, side)),
        "ra_at_xy_0": x,
        "dec_at_xy_0": y,
    }
    frame |= {"transform_pix2angle": matrix} | options
    frame |= {} if values is None else {"image_data": values}
    return (
        frame
        if sigma is None
        else frame | {"noise_map": np.broadcast_to(sigma, frame["image_data"].shape).copy()}
    )


def model(lights=1, tracers=1, partition=None, kind="LINEAR"):
    """kwargs_model and kwargs_result of the first light and tracer profiles."""
    names = {
        "source_light_model_list": [n for n, _ in LIGHTS[:lights]],
        "tracer_source_model_list": [n for n, _ in TRACERS[:tracers]],
    }
    values = {
        "kwargs_source": [dict(v) for _, v in LIGHTS[:lights]],
        "kwargs_tracer_source": [dict(v) for _, v in TRACERS[:tracers]],
    }
    return names | {"tracer_partition": partition, "tracer_type": kind}, values
