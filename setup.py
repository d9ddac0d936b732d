"""Package metadata: everything is read from settings.ini, which nbdev reads too."""

from configparser import ConfigParser
from pathlib import Path

from setuptools import find_packages, setup

here = Path(__file__).parent
config = ConfigParser(delimiters=["="])
config.read(here / "settings.ini", encoding="utf-8")
settings = config["DEFAULT"]

setup(
    name=settings["lib_name"],
    version=settings["version"],
    description=settings["description"],
    long_description=(here / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    author=settings["author"],
    url=settings["git_url"],
    license="BSD-3-Clause AND MIT AND CC0-1.0",  # the code; two of the sample movies
    license_files=["LICENSE", "smlm_ddpm/data/README.md"],
    project_urls={"Documentation": settings["doc_host"] + settings["doc_baseurl"], "Source": settings["git_url"]},
    classifiers=[
        "Development Status :: 3 - Alpha",
        f"Intended Audience :: {settings['audience']}",
        "Programming Language :: Python :: 3 :: Only",
        "Topic :: Scientific/Engineering :: Image Processing",
        "Topic :: Scientific/Engineering :: Physics",
        "Typing :: Typed",
    ],
    keywords=settings["keywords"],
    python_requires=f">={settings['min_python']}",
    packages=find_packages(include=["smlm_ddpm", "smlm_ddpm.*"]),
    package_data={"smlm_ddpm": ["data/**/*", "weights/**/*", "configs/*.toml", "py.typed"]},
    install_requires=settings["requirements"].split(),
    extras_require={
        key.removesuffix("_requirements"): settings[key].split() for key in settings if key.endswith("_requirements")
    },
    entry_points={
        "console_scripts": settings["console_scripts"].split(),
        "nbdev": [f"{settings['lib_name']}={settings['lib_path']}._modidx:d"],
    },
    zip_safe=False,
)
