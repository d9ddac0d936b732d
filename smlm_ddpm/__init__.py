"""Uncertainty-aware localization microscopy by guided diffusion."""

__version__ = "0.1.0"
__all__ = ["load_pretrained"]


def __getattr__(name):
    # Loaded on first use, so that `import smlm_ddpm.psf` stays light.
    if name == "load_pretrained":
        from smlm_ddpm.models import load_pretrained

        return load_pretrained
    raise AttributeError(f"module 'smlm_ddpm' has no attribute {name!r}")
