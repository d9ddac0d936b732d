"""Uncertainty-aware localization microscopy by guided diffusion."""

__version__ = "0.1.0"
__all__ = ["exact_posterior", "load_pretrained"]

import sys
import types


class _Package(types.ModuleType):
    "Functions loaded on first use, so that `import smlm_ddpm.psf` stays light."

    def __dir__(self):
        "With the functions that are not loaded yet, for tab completion."
        return sorted({*super().__dir__(), *self.__all__})

    @property
    def load_pretrained(self):
        from smlm_ddpm.models import load_pretrained

        return load_pretrained

    @property
    def exact_posterior(self):
        from smlm_ddpm.exact_posterior import exact_posterior

        return exact_posterior

    @exact_posterior.setter
    def exact_posterior(self, module):
        "Python binds a module to its package; here that name is the function."


sys.modules[__name__].__class__ = _Package
