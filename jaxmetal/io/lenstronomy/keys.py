"""The keys of lenstronomy's dictionaries: carried over, of no effect, or refused."""

# For each dictionary: the keys that are carried over; those that have no effect without point
# sources if all bands show the same light behind one lens plane, which is checked; and those that
# are refused unless they have the value with which they have no effect in lenstronomy.
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
