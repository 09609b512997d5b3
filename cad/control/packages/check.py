"""Checks a package as an installation would, and leaves nothing behind."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from cad.base.errors import BadValueError, CadError
from cad.control.packages.content import check_folder, unpack_content
from cad.control.packages.inspect import inspect
from cad.control.packages.ports import Preparer
from cad.domain.packages import AlgorithmManifest, PackageManifest
from cad.protocols.worker.preparation import PrepareRequest
from cad.wire.package_check import CheckedAlgorithm, PackageCheck


@dataclass(frozen=True, slots=True, kw_only=True)
class Checker:
    """What checks."""

    preparer: Preparer
    accelerator: str
    limit_bytes: int
    strict: bool
    """`machine.strict`."""
    on_step: Callable[[str, str], None]
    """Hears of each step: the algorithm package, and what is being done with it."""

    async def check(self, path: Path) -> PackageCheck:
        """Return what is found about the archive or folder at `path`: compiled, tried, measured."""
        found = PackageCheck(path=str(path))
        try:
            async with self._content(path) as folder:
                manifest = await asyncio.to_thread(inspect, folder)
                await asyncio.to_thread(
                    check_folder, folder, manifest, self.limit_bytes, strict=self.strict
                )
                return found.model_copy(update=await self._findings(folder, manifest))
        except CadError as error:
            return found.model_copy(update={"problem": str(error)})

    async def _findings(self, folder: Path, manifest: PackageManifest) -> dict[str, object]:
        algorithms = [await self._algorithm(folder, each) for each in manifest.algorithms]
        return {"name": manifest.name, "version": manifest.version, "algorithms": algorithms}

    async def _algorithm(self, folder: Path, algorithm: AlgorithmManifest) -> CheckedAlgorithm:
        sample = algorithm.model.sample
        async with _scratch_folder() as output:
            request = PrepareRequest(
                model_path=str(folder / algorithm.model_path),
                spec=algorithm.model,
                sample_path=str(folder / sample) if sample else "",
                output_dir=str(output),
                accelerator=self.accelerator,
            )
            try:
                prepared = await self.preparer.prepare(
                    request, lambda step: self.on_step(algorithm.code, step)
                )
            except CadError as error:
                return CheckedAlgorithm(algo_package_code=algorithm.code, problem=str(error))
        return CheckedAlgorithm(
            algo_package_code=algorithm.code,
            provider=prepared.provider,
            seconds_per_frame=round(prepared.cpu_seconds_per_frame, 6),
            sample_boxes=prepared.sample_boxes,
        )

    @asynccontextmanager
    async def _content(self, path: Path) -> AsyncGenerator[Path]:
        """Give the folder at `path`, or what comes out of the archive there."""
        if await asyncio.to_thread(path.is_dir):
            yield path
        elif await asyncio.to_thread(path.is_file):
            limit = self.limit_bytes
            async with _scratch_folder() as folder:
                await asyncio.to_thread(unpack_content, path, folder, limit, strict=self.strict)
                yield folder
        else:
            raise BadValueError("expected an archive or a folder", field="path", given=str(path))


@asynccontextmanager
async def _scratch_folder() -> AsyncGenerator[Path]:
    """Give an empty folder; it and what is written into it goes when the context is left."""
    scratch = await asyncio.to_thread(TemporaryDirectory, prefix="cad-check-")
    try:
        yield Path(scratch.name)
    finally:
        await asyncio.to_thread(scratch.cleanup)
