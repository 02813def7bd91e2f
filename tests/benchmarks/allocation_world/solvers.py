"""Solvers on the same instance: HiGHS LP and MIP, GLOP, PDLP and CP-SAT, each in a process of its own with a time limit.

The model has one variable in [0, 1] per case that may pay. Building it is not timed. Objectives are gains over
shipping nothing, presentation bonus included, as the engine maximises them.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse

from allocation_assets.allocation.prepare import UNLIMITED, prepare
from allocation_assets.allocation.problem import AllocationProblem, AllocationSettings
from allocation_assets.allocation.solve import part_of


@dataclass(frozen=True)
class Model:
    """maximise gain @ z, matrix @ z <= room, 0 <= z <= 1."""

    gain: np.ndarray
    matrix: sparse.csr_matrix
    room: np.ndarray


def case_model(problem: AllocationProblem) -> Model:
    """Supply rows (in cases), receiving and dispatch capacity of a problem without lines, pools or forced minimums."""
    market = part_of(prepare(problem, AllocationSettings(threads=2), keep_all=False)).market
    counts = np.diff(market.ptr)
    row, pack = np.repeat(market.row_of(), counts), np.repeat(market.pack.astype(float), counts)
    store, dc = np.repeat(market.receiving, counts), np.repeat(market.dispatch, counts)
    case = np.arange(len(row))
    rooms = [problem.row_supply_units // problem.row_case_pack]
    blocks = [sparse.csr_matrix((np.ones(len(row)), (row, case)), (len(problem.row_dc), len(row)))]
    for bucket, capacity in ((store, market.limits.receiving), (dc, market.limits.dispatch)):
        if not len(capacity):
            continue
        full = sparse.csr_matrix((pack, (bucket, case)), (len(capacity), len(row)))
        limited = capacity < UNLIMITED // 2
        blocks.append(full[limited])
        rooms.append(capacity[limited])
    return Model(market.worth, sparse.vstack(blocks).tocsr(), np.concatenate(rooms).astype(float))


def solve(model: Model, name: str, limit: float) -> dict:
    """{seconds, objective, bound, status} of one solver; status `limit` where it was stopped from outside."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.npz"
        m = model.matrix
        np.savez(path, gain=model.gain, data=m.data, indices=m.indices, indptr=m.indptr, room=model.room)
        command = [sys.executable, "-m", "tests.benchmarks.allocation_world.solvers", str(path), name, str(limit)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=2 * limit + 120, check=True)
        except subprocess.TimeoutExpired:
            return {"seconds": 2 * limit, "objective": None, "bound": None, "status": "limit"}
        except subprocess.CalledProcessError as error:
            return {"seconds": None, "objective": None, "bound": None, "status": error.stderr.strip()[-200:]}
    return json.loads(done.stdout.splitlines()[-1])


def _highs(model: Model, limit: float, *, integer: bool) -> dict:
    import highspy

    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("time_limit", limit)
    solver.setOptionValue("threads", 1)
    lp = highspy.HighsLp()
    rows, columns = model.matrix.shape
    by_column = model.matrix.tocsc()
    lp.num_col_, lp.num_row_ = columns, rows
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = -model.gain, np.zeros(columns), np.ones(columns)
    lp.row_lower_, lp.row_upper_ = np.full(rows, -highspy.kHighsInf), model.room
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = by_column.indptr, by_column.indices, by_column.data
    if integer:
        lp.integrality_ = [highspy.HighsVarType.kInteger] * columns
    solver.passModel(lp)
    start = time.perf_counter()
    solver.run()
    seconds = time.perf_counter() - start
    info, status = solver.getInfo(), str(solver.getModelStatus()).rsplit("k", 1)[-1]
    bound = -info.mip_dual_bound if integer else None
    return {"seconds": seconds, "objective": -info.objective_function_value, "bound": bound, "status": status}


def _glop(model: Model, limit: float) -> dict:
    from ortools.linear_solver import pywraplp

    solver = pywraplp.Solver.CreateSolver("GLOP")
    solver.SetTimeLimit(int(limit * 1000))
    columns = [solver.NumVar(0, 1, "") for _ in range(len(model.gain))]
    m, objective = model.matrix, solver.Objective()
    for r in range(m.shape[0]):
        limited = solver.Constraint(-solver.infinity(), float(model.room[r]))
        for at in range(m.indptr[r], m.indptr[r + 1]):
            limited.SetCoefficient(columns[m.indices[at]], float(m.data[at]))
    for column, gain in zip(columns, model.gain, strict=True):
        objective.SetCoefficient(column, float(gain))
    objective.SetMaximization()
    start = time.perf_counter()
    status = solver.Solve()
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "objective": objective.Value(), "bound": None, "status": str(status)}


def _pdlp(model: Model, limit: float) -> dict:
    from ortools.pdlp import solve_log_pb2, solvers_pb2
    from ortools.pdlp.python import pdlp

    lp = pdlp.QuadraticProgram()
    rows, columns = model.matrix.shape
    lp.resize_and_initialize(columns, rows)
    lp.objective_vector = -model.gain
    lp.constraint_matrix = model.matrix.tocsc()
    lp.constraint_lower_bounds, lp.constraint_upper_bounds = np.full(rows, -np.inf), model.room
    lp.variable_lower_bounds, lp.variable_upper_bounds = np.zeros(columns), np.ones(columns)
    params = solvers_pb2.PrimalDualHybridGradientParams()
    criteria = params.termination_criteria
    criteria.simple_optimality_criteria.eps_optimal_relative = 1e-4
    criteria.simple_optimality_criteria.eps_optimal_absolute = 1e-4
    criteria.time_sec_limit = limit
    params.num_threads = 2
    start = time.perf_counter()
    result = pdlp.primal_dual_hybrid_gradient(lp, params)
    seconds = time.perf_counter() - start
    status = solve_log_pb2.TerminationReason.Name(result.solve_log.termination_reason)
    objective = float(model.gain @ np.asarray(result.primal_solution))
    return {"seconds": seconds, "objective": objective, "bound": None, "status": status}


def _cp_sat(model: Model, limit: float) -> dict:
    from ortools.sat.python import cp_model

    scale = 1e6
    cp, m = cp_model.CpModel(), model.matrix
    columns = [cp.new_bool_var("") for _ in range(len(model.gain))]
    for r in range(m.shape[0]):
        at = slice(m.indptr[r], m.indptr[r + 1])
        terms = [columns[i] for i in m.indices[at]]
        cp.add(cp_model.LinearExpr.weighted_sum(terms, m.data[at].astype(int).tolist()) <= int(model.room[r]))
    gains = np.round(model.gain * scale).astype(int).tolist()
    cp.maximize(cp_model.LinearExpr.weighted_sum(columns, gains))
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds, solver.parameters.num_workers = limit, 2
    start = time.perf_counter()
    status = solver.solve(cp)
    seconds = time.perf_counter() - start
    found = status in (cp_model.OPTIMAL, cp_model.FEASIBLE)
    return {
        "seconds": seconds, "objective": solver.objective_value / scale if found else None,
        "bound": solver.best_objective_bound / scale, "status": solver.status_name(status),
    }  # fmt: skip


SOLVERS = {
    "highs_lp": lambda model, limit: _highs(model, limit, integer=False),
    "highs_mip": lambda model, limit: _highs(model, limit, integer=True),
    "glop": _glop,
    "pdlp": _pdlp,
    "cp_sat": _cp_sat,
}


def main() -> None:
    """Solve the model in the file of argv[1] with solver argv[2] within argv[3] seconds; print JSON."""
    path, name, limit = sys.argv[1:4]
    with np.load(path) as saved:
        shape = (len(saved["room"]), len(saved["gain"]))
        matrix = sparse.csr_matrix((saved["data"], saved["indices"], saved["indptr"]), shape)
        model = Model(saved["gain"], matrix, saved["room"])
    print(json.dumps(SOLVERS[name](model, float(limit))))


if __name__ == "__main__":
    main()
