"""Units of parameters by name, as far as a name tells them; what a tracer's parameters have depends on its map."""

UNITS = {
    name: unit
    for unit, names in {
        "arcsec": "center_x center_y R_sersic scale_length sigma alpha break_radius smoothness width inner_radius fwhm origin scale",
        "deg": "inclination position_angle pitch phase",
        "rad": "phi_G",
        "arcsec/pixel": "matrix",
    }.items()
    for name in names.split()
}
