"""The two programs an agent runs, as its supervisor is told of them."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from runtime.agent import ollama
from runtime.agent.failures import ServerError
from runtime.agent.metrics import Metrics
from runtime.agent.model.loading import prove_loaded
from runtime.agent.ollama import OllamaApi
from runtime.agent.openclaw.child import TEMPORARY, openclaw_child
from runtime.agent.openclaw.probe import Probe
from runtime.agent.openclaw.process import NAME, Installed
from runtime.agent.safety import remove_unsigned_skills, require_nothing_exposed, verify_skills
from runtime.agent.settings import AgentSettings
from runtime.agent.supervisor.spec import ChildSpec

NAMES = (ollama.PROGRAM, NAME)
LOAD_S = 600
"""Seconds a model may take to be loaded and say its first token."""
LOOK_S = 5
"""Seconds between two looks at whether the model is loaded."""
SILENCES = 3
"""So many looks in a row without an answer end the model server."""
_FOR_GOOD = -1
_GPU = ("CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH", "NVIDIA_DRIVER_CAPABILITIES", "NVIDIA_VISIBLE_DEVICES")
"""How the GPU's container runtime, and a CUDA base image, tell where the GPU and its libraries are."""


@dataclass(frozen=True)
class Programs:
    """What an agent's programs are made from; of the environment they get nothing but where they find others."""

    settings: AgentSettings
    environ: Mapping[str, str]
    api: OllamaApi
    probe: Probe
    metrics: Metrics
    installed: Installed = field(default_factory=Installed)
    temporary: Path = TEMPORARY

    def model_server(self) -> ChildSpec:
        """Ollama, proven once the model asked for has spoken."""
        environ = {
            **ollama.environment(self.settings, self.environ.get("PATH", "")),
            **{name: self.environ[name] for name in _GPU if name in self.environ},
        }
        return ChildSpec(
            name=ollama.PROGRAM,
            command=(ollama.PROGRAM, "serve"),
            environ=environ,
            cwd=self.settings.places.data,
            is_noise=ollama.is_own_question,
            before=lambda: asyncio.to_thread(Path(environ["HOME"]).mkdir, parents=True, exist_ok=True),
            prove=self._prove_model,
            watch=self._watch_model,
            prove_s=LOAD_S,
        )

    def openclaw(self) -> ChildSpec:
        """OpenClaw; before each start its skills are verified anew, since it runs them from a copy on the volume."""
        plain = openclaw_child(self.settings, self.probe, self.installed, self.temporary)

        async def before() -> None:
            await asyncio.to_thread(verify_skills, self.settings, self.installed)
            await asyncio.to_thread(remove_unsigned_skills, self.settings)
            await plain.before()
            await asyncio.to_thread(require_nothing_exposed, self.settings, self.environ)

        return replace(plain, before=before)

    async def _prove_model(self) -> None:
        await self.api.wait_until_up()
        self.metrics.model_loaded(await prove_loaded(self.api, self.settings))

    async def _watch_model(self) -> None:
        """Have a model that is to stay loaded be loaded. Raises ServerError when the server is silent, ModelError."""
        silences = 0
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                unloaded = await self.api.loaded(self.settings.model) is None
                if unloaded and self.settings.keep_alive_s == _FOR_GOOD:
                    self.metrics.model_loaded(await prove_loaded(self.api, self.settings))
                silences = 0
            except ServerError:
                silences += 1
                if silences >= SILENCES:
                    raise
