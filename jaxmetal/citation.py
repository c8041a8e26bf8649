"""What to cite: the software, the paper of its method, and the libraries that it stands on."""

from typing import NamedTuple

from jaxmetal import __version__


class Entry(NamedTuple):
    """An entry of BibTeX.

    Parameters
    ----------
    kind, key
        such as "software" and "jaxmetal".
    when
        it is to be cited.
    fields
        as BibTeX wants them.
    """

    kind: str
    key: str
    when: str
    fields: dict[str, str]

    def __str__(self) -> str:
        lines = [f"  {name} = {{{value}}}," for name, value in self.fields.items()]
        return "\n".join([f"% {self.when}", f"@{self.kind}{{{self.key},", *lines, "}"])


# The facts of CITATION.cff too, which a test compares with these.
SOFTWARE = Entry(
    "software",
    "jaxmetal",
    "The software.",
    {
        "author": "{the jaxmetal developers}",
        "title": "jaxmetal: forward-modelled maps of what light carries",
        "version": __version__,
        "license": "BSD-3-Clause",
    },
)
METHOD = Entry(
    "article",
    "Metha2024",
    "The method.",
    {
        "author": "Metha, B. and Birrer, S. and Treu, T. and Trenti, M. and Ding, X. and Wang, X.",
        "title": "A forward-modelling approach to overcome {PSF} smearing and fit flexible models "
        "to the chemical structure of galaxies",
        "year": "2024",
        "eprint": "2403.08175",
        "archivePrefix": "arXiv",
        "url": "https://arxiv.org/abs/2403.08175",
    },
)
LIBRARIES = (
    Entry(
        "software",
        "jax2018github",
        "JAX, in which everything is computed.",
        {
            "author": "James Bradbury and Roy Frostig and Peter Hawkins and Matthew James Johnson "
            "and Chris Leary and Dougal Maclaurin and George Necula and Adam Paszke and "
            "Jake Vander{P}las and Skye Wanderman-{M}ilne and Qiao Zhang",
            "title": "{JAX}: composable transformations of {P}ython+{N}um{P}y programs",
            "year": "2018",
            "url": "https://github.com/jax-ml/jax",
        },
    ),
    Entry(
        "article",
        "phan2019composable",
        "NumPyro, for priors, and for draws by NUTS or HMC.",
        {
            "author": "Phan, Du and Pradhan, Neeraj and Jankowiak, Martin",
            "title": "Composable Effects for Flexible and Accelerated Probabilistic Programming "
            "in {NumPyro}",
            "year": "2019",
            "journal": "arXiv preprint arXiv:1912.11554",
        },
    ),
    Entry(
        "software",
        "deepmind2020jax",
        "Optax, if it climbed to the maximum.",
        {
            "author": "DeepMind and Babuschkin, Igor and Baumli, Kate and others",
            "title": "The {D}eep{M}ind {JAX} {E}cosystem",
            "year": "2020",
            "url": "https://github.com/google-deepmind",
        },
    ),
)


def cite() -> str:
    """What to cite, as entries of BibTeX with a line each that says when.

    Docstrings name the references of profiles, calibrations, relations and algorithms.

    Returns
    -------
    text
        the software with its version, the paper of the method, and the libraries.

    Examples
    --------
    >>> import jaxmetal as jm
    >>> print(jm.cite().splitlines()[1])
    @software{jaxmetal,
    """
    return "\n\n".join(str(entry) for entry in (SOFTWARE, METHOD, *LIBRARIES))
