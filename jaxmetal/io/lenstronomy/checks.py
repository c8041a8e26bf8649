"""What of lenstronomy's dictionaries is carried over, what makes no difference, and what is refused by name."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jaxmetal.errors import InputError, unknown, warn_user
from jaxmetal.quantities import plain

# For each dictionary: the keys that are carried over; those that make no difference without point
# sources and where all light is one scene behind one plane, which `one_scene` sees to; and those
# that are refused unless they hold the value at which lenstronomy does nothing with them.
DATA = (
    {"multi_band_list", "multi_band_type", "tracer_data"},
    set(),
    dict.fromkeys(
        (
            "time_delays_measured",
            "time_delays_uncertainties",
            "flux_ratios",
            "flux_ratio_errors",
            "ra_image_list",
            "dec_image_list",
            "kinematic_data",
        )
    ),
)
MODEL = (
    {
        "source_light_model_list",
        "source_light_profile_kwargs_list",
        "tracer_source_model_list",
        "tracer_source_band",
        "tracer_partition",
        "tracer_type",
        "lens_model_list",
        "lens_light_model_list",
        "lens_light_profile_kwargs_list",
    },
    {
        "z_lens",
        "z_source",
        "z_source_convention",
        "source_deflection_scaling_list",
        "source_redshift_list",
        "cosmo",
        "cosmology_model",
        "observed_convention_index",
        "kwargs_lens_eqn_solver",
        "point_source_magnification_limit",
        "band_index",
        "all_models",
        "index_lens_model_list",
        "index_source_light_model_list",
        "index_lens_light_model_list",
    },
    dict.fromkeys(
        (
            "point_source_model_list",
            "optical_depth_model_list",
            "multi_plane",
            "decouple_multi_plane",
            "distance_ratio_sampling",
            "cosmology_sampling",
            "lens_redshift_list",
            "lens_profile_kwargs_list",
            "optical_depth_profile_kwargs_list",
            "point_source_redshift_list",
            "fixed_magnification_list",
            "point_source_frame_list",
            "additional_images_list",
            "index_point_source_model_list",
            "index_optical_depth_model_list",
            "tau0_index_list",
            "kwargs_multiplane_model",
            "kwargs_multiplane_model_point_source",
        )
    ),
)
CONSTRAINTS = (
    {
        "joint_source_with_source",
        "joint_source_light_with_tracer",
        "joint_lens_with_lens",
        "joint_lens_with_light",
        "joint_lens_with_source_light",
        "joint_lens_light_with_lens_light",
        "linear_solver",
    },
    {"kwargs_lens_init", "num_point_source_list", "solver_param_module"},
    dict.fromkeys(
        (
            "joint_source_with_point_source",
            "joint_lens_light_with_point_source",
            "joint_extinction_with_lens_light",
            "mass_scaling_list",
            "point_source_offset",
            "general_scaling",
            "image_plane_source_list",
            "solver_type",
            "Ddt_sampling",
            "source_size",
            "num_tau0",
            "lens_redshift_sampling_indexes",
            "source_redshift_sampling_indexes",
            "source_grid_offset",
            "kinematic_sampling",
            "num_shapelet_lens",
            "log_sampling_lens",
            "distance_ratio_sampling",
            "cosmology_sampling",
        )
    ),
)
LIKELIHOOD = (
    {
        "image_likelihood",
        "tracer_likelihood",
        "image_likelihood_mask_list",
        "tracer_likelihood_mask",
        "bands_compute",
        "prior_source",
        "prior_lens",
        "prior_lens_light",
        "check_bounds",
    },
    {
        "check_positive_flux",
        "source_marg",
        "linear_prior",
        "image_position_uncertainty",
        "source_position_tolerance",
        "source_position_sigma",
        "force_no_add_image",
        "restrict_image_number",
        "max_num_images",
        "time_delay_measurement_bool_list",
        "bimodal_time_delay_measurement",
        "kwargs_flux_compute",
        "kin_lens_idx",
        "kin_lens_light_idx",
    },
    dict.fromkeys(
        (
            "astrometric_likelihood",
            "image_position_likelihood",
            "source_position_likelihood",
            "time_delay_likelihood",
            "flux_ratio_likelihood",
            "kinematic_2d_likelihood",
            "custom_logL_addition",
            "kwargs_pixelbased",
            "prior_extinction",
            "prior_ps",
            "prior_special",
            "prior_lens_kde",
            "prior_source_kde",
            "prior_lens_light_kde",
            "prior_ps_kde",
            "prior_special_kde",
            "prior_extinction_kde",
            "prior_lens_lognormal",
            "prior_source_lognormal",
            "prior_extinction_lognormal",
            "prior_lens_light_lognormal",
            "prior_ps_lognormal",
            "prior_special_lognormal",
        )
    ),
)
PARAMS = (
    {"source_model", "tracer_source_model", "lens_model", "lens_light_model"},
    set(),
    dict.fromkeys(("point_source_model", "extinction_model", "special")),
)
RESULT = (
    {"kwargs_source", "kwargs_tracer_source", "kwargs_lens", "kwargs_lens_light"},
    set(),
    dict.fromkeys(("kwargs_ps", "kwargs_special", "kwargs_extinction")),
)
IMAGE = (
    {
        "image_data",
        "noise_map",
        "background_rms",
        "exposure_time",
        "ra_at_xy_0",
        "dec_at_xy_0",
        "transform_pix2angle",
        "ra_shift",
        "dec_shift",
        "phi_rot",
    },
    {"log_likelihood_constant"},
    {
        "gradient_boost_factor": None,
        "antenna_primary_beam": None,
        "likelihood_method": "diagonal",
        "flux_scaling": 1,
    },
)
PSF = (
    {
        "psf_type",
        "fwhm",
        "truncation",
        "kernel_point_source",
        "point_source_supersampling_factor",
        "kernel_point_source_normalisation",
    },
    {"pixel_size", "psf_variance_map", "kernel_point_source_init"},
    {},
)
NUMERICS = (
    {
        "supersampling_factor",
        "supersampling_convolution",
        "supersampling_kernel_size",
        "convolution_kernel_size",
        "compute_mode",
        "supersampled_indexes",
        "flux_evaluate_indexes",
        "truncation_conv",
    },
    {"point_source_supersampling_factor", "convolution_type", "compute_indexes"},
    {},
)
KNOWN = {
    "kwargs_data_joint": DATA,
    "kwargs_model": MODEL,
    "kwargs_constraints": CONSTRAINTS,
    "kwargs_likelihood": LIKELIHOOD,
    "kwargs_params": PARAMS,
    "kwargs_result": RESULT,
    "kwargs_data": IMAGE,
    "kwargs_psf": PSF,
    "kwargs_numerics": NUMERICS,
}


def checked(kind: str, given: Any, where: str = "") -> dict[str, Any]:
    """One of lenstronomy's dictionaries, once nothing is in it that would be lost.

    Parameters
    ----------
    kind
        lenstronomy's name of it, such as "kwargs_model".
    given
        the dictionary, or None for an empty one.
    where
        how messages call it, if not by its kind.

    Raises
    ------
    InputError
        for a key that lenstronomy does not have, one that cannot be carried over, or a quantity:
        lenstronomy's are plain numbers.
    """
    where = where or kind
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise InputError(f"{where}: expected a dictionary, got {type(given).__name__}.")
    carried, harmless, refused = KNOWN[kind]
    for key, value in given.items():
        if key not in carried | harmless | set(refused):
            raise unknown("key", key, carried | harmless | set(refused), where)
        if key in refused and not _idle(value, refused[key]):
            raise _refused(key, where)
    if kind == "kwargs_model":
        _one_scene(given, where)
    return {
        key: _bare(value, f"{where}[{key!r}]") for key, value in given.items() if key in carried
    }


def _bare(value: Any, where: str) -> Any:
    """What is given without masks, NaN where they are; a unit is refused."""
    if isinstance(value, Mapping):
        return {key: _bare(below, f"{where}[{key!r}]") for key, below in value.items()}
    if isinstance(value, list | tuple):
        return [_bare(below, f"{where}[{i}]") for i, below in enumerate(value)]
    return plain(value, where)


def _refused(key: str, where: str) -> InputError:
    return InputError(
        f"{where}[{key!r}]: cannot be carried over; jaxmetal has nothing like it yet."
    )


def _one_scene(model: Mapping, where: str) -> None:
    """Refuses bands that see different profiles and, behind lenses, sources at different redshifts."""
    for kind in ("lens_model", "source_light_model", "lens_light_model"):
        everything = list(range(len(model.get(f"{kind}_list") or [])))
        key = f"index_{kind}_list"
        if any(list(seen) != everything for seen in model.get(key) or []):
            raise _refused(key, where)
    if not model.get("lens_model_list"):
        return
    if any(factor not in (None, 1) for factor in model.get("source_deflection_scaling_list") or []):
        raise _refused("source_deflection_scaling_list", where)
    if len(set(model.get("source_redshift_list") or [])) > 1:
        raise _refused("source_redshift_list", where)
    redshifts = {model.get(key) for key in ("z_source", "z_source_convention")} - {None}
    if len(redshifts) > 1:
        raise _refused("z_source_convention", where)


def _idle(value: Any, default: Any) -> bool:
    """Whether lenstronomy does nothing with this value."""
    if value is None or value is False or (isinstance(value, str) and value == "NONE"):
        return True
    if isinstance(value, Mapping):
        return all(_idle(v, None) for v in value.values())
    if isinstance(value, list | tuple):
        return all(_idle(v, None) for v in value)
    return np.ndim(value) == 0 and value == (0 if default is None else default)


def listed(value: Any, where: str, length: int | None = None) -> list:
    """A list, of a known length if one is given.

    Raises
    ------
    InputError
        naming the list, what was expected and what arrived.
    """
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise InputError(f"{where}: expected a list, got {type(value).__name__}.")
    if length is not None and len(value) != length:
        raise InputError(f"{where}: expected {length} entries, got {len(value)}.")
    return list(value)


def index(value: Any, count: int, where: str) -> int:
    """A whole number from 0 to count - 1.

    Raises
    ------
    InputError
        if it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 0 <= value < count:
        raise InputError(f"{where}: expected a number from 0 to {count - 1}, got {value!r}.")
    return int(value)


def warn(message: str) -> None:
    """One line on what differs from lenstronomy, at the line of the script that called the package."""
    warn_user(f"from lenstronomy: {message}.")
