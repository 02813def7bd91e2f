import math
import numpy as np
from numba import njit
@njit(cache=True)
def _lead_moments(mean, spread, share, position, out_mean, out_var):
    for j in range(len(mean)):
        m = mean[j] * share[j]
        d = spread[j]
        x = d - 1.0
        p = np.exp(-m * (np.log1p(x) / x if x > 1e-9 else 1.0))
        cdf, e1, e2 = 0.0, 0.0, 0.0
        for u in range(max(position[j], 0)):
            cdf += p
            tail = max(1.0 - cdf, 0.0)
            if tail < 1e-9:
                break
            # E min(D, a) = sum P(D > u); E min(D, a)^2 = sum (2u + 1) P(D > u)
            e1 += tail
            e2 += (2 * u + 1) * tail
            p *= (m / d + (1 - 1 / d) * u) / (u + 1)
        # fix order: P(D>u) for u=0 uses cdf(0)
        out_mean[j] = e1
        out_var[j] = max(e2 - e1 * e1, 0.0)
def servable_demand(mean, dispersion, share, position):
    n=len(mean); e=np.empty(n); v=np.empty(n)
    dispersion=np.maximum(dispersion,1.0)
    _lead_moments(mean, dispersion, np.ascontiguousarray(share,dtype=float), np.ascontiguousarray(position), e, v)
    rest = mean*(1-share)
    m = rest+e
    var = rest*dispersion+v
    return m, np.maximum(var/np.maximum(m,1e-9),1.0)

_GRID = 24
_NODES = np.array([-2.334414218338977, -1.3556261799742659, -0.6167065901925941, 0.0,
                   0.6167065901925941, 1.3556261799742659, 2.334414218338977])
_w=None
x,wt=np.polynomial.hermite_e.hermegauss(7)
_NODES, _WEIGHTS = x, wt/wt.sum()

@njit(cache=True)
def _positive(mean, variance):
    """E[X^+] for a normal X."""
    if variance <= 1e-12:
        return max(mean, 0.0)
    sd = np.sqrt(variance)
    z = mean / sd
    if z > 4.0: return mean
    if z < -4.0: return 0.0
    return mean * 0.5 * math.erfc(-z / 1.4142135623730951) + sd * math.exp(-0.5*z*z) * 0.3989422804014327

@njit(cache=True)
def _curve(a, b, floor, top, until, daily, disp, horizon, lead, wait, gap, pos, gain, hold, ship, need, var, mass, grid_n):
    need[:] = 0.0; var[:] = 0.0; mass[:] = 0.0
    y = np.empty(grid_n); fill = np.empty(grid_n)
    for j in range(a, b):
        k_last = math.floor((until - 1 - wait[j]) / gap[j] + 1e-9)
        if k_last < 0 or daily[j] <= 0:
            continue
        tau = k_last * gap[j]
        mu, d = daily[j] * horizon[j], disp[j]
        # walk
        xx = d - 1.0
        p = np.exp(-mu * (np.log1p(xx) / xx if xx > 1e-9 else 1.0))
        alpha, beta = mu / d, 1.0 - 1.0 / d
        cdf, u, sold = p, 0, 0.0
        k, ke = grid_n - 1, grid_n - 1
        end = mu + 12 * np.sqrt(mu * d) + 20 * d
        while (k >= 0 or ke >= 0):
            tail = 1.0 - cdf
            # thresholds rise with k: y_k = number of units with P(D > u) > ratio_k
            while k >= 0:
                lam = floor + (top - floor) * k / grid_n
                ratio = (lam - floor + hold[j] + ship[j]) / max(gain[j] - floor + hold[j], 1e-12)
                if tail > ratio and u < end: break
                y[k] = u
                k -= 1
            while ke >= 0:
                lam = floor + (top - floor) * ke / grid_n
                e = gain[j] - lam + hold[j]
                ratio = (hold[j] + ship[j]) / e if e > 1e-12 else 2.0
                if tail > ratio and u < end: break
                fill[ke] = sold / mu
                ke -= 1
            sold += tail
            p *= (alpha + beta * u) / (u + 1)
            cdf += p
            u += 1
        ml = daily[j] * lead[j]
        have = pos[j] + _positive(ml - pos[j], ml * d)
        for g in range(grid_n):
            c = tau * daily[j] * fill[g]
            v = tau * daily[j] * d
            n = _positive(y[g] + c - have, v)
            need[g] += n
            if n > 0:
                share = min(1.0, n / max(y[g] + c - have, n, 1e-9))
                var[g] += v
                mass[g] += c + mu

@njit(cache=True)
def _price(stock, floor, top, need, var, mass, level_var, grid_n, nodes, weights):
    out = 0.0
    for q in range(len(nodes)):
        last, lam = 0.0, top
        prev = 0.0
        for g in range(grid_n + 1):
            if g < grid_n:
                sd = np.sqrt(var[g] + level_var * mass[g] ** 2)
                n = max(need[g] + nodes[q] * sd, 0.0) if need[g] > 0 else 0.0
            else:
                n = 0.0
            if n <= stock:
                if g == 0:
                    lam = floor
                else:
                    f = (prev - stock) / (prev - n) if prev > n else 0.0
                    lam = floor + (top - floor) * (g - 1 + f) / grid_n
                break
            prev = n
        out += weights[q] * lam
    return out

@njit(cache=True)
def keep_kernel(row_ptr, daily, disp, horizon, lead, wait, gap, pos, gain, hold, ship, stock, T, Q, cycle, hdc, level_var, two, nodes, weights, grid_n, zero_reached):
    m = len(stock)
    price, after = np.zeros(m), np.zeros(m)
    need, var, mass = np.empty(grid_n), np.empty(grid_n), np.empty(grid_n)
    for i in range(m):
        a, b = row_ptr[i], row_ptr[i+1]
        top = 0.0
        for j in range(a, b): top = max(top, gain[j])
        f = 0.0
        if two:
            _curve(a,b,0.0,top,T[i]+cycle[i],daily,disp,horizon,lead,wait,gap,pos,gain,hold,ship,need,var,mass,grid_n)
            f = _price(stock[i]+Q[i],0.0,top,need,var,mass,level_var,grid_n,nodes,weights)
            f = max(f - hdc[i]*T[i], 0.0)
        after[i] = f
        _curve(a,b,f,top,T[i],daily,disp,horizon,lead,wait,gap,pos,gain,hold,ship,need,var,mass,grid_n)
        price[i] = _price(stock[i],f,top,need,var,mass,level_var,grid_n,nodes,weights)
    return price, after

@njit(cache=True)
def stuck_kernel(row, price, after, until, daily, disp_h, disp_day, level_var, horizon, wait, gap, pos, gain, hold, ship, pack):
    n = len(row)
    out = np.zeros(n)
    for j in range(n):
        i = row[j]
        lam, dl = price[i], price[i] - after[i]
        if dl <= 0 or daily[j] <= 0:
            continue
        k = max(math.floor((until[i] - 1 - wait[j]) / gap[j] + 1e-9), 0)
        cover = horizon[j] + k * gap[j]
        m1, d1 = daily[j] * horizon[j], disp_h[j]
        m2 = daily[j] * cover
        d2 = disp_day[j] + m2 * level_var
        x1, x2 = d1 - 1.0, d2 - 1.0
        p1 = np.exp(-m1 * (np.log1p(x1) / x1 if x1 > 1e-9 else 1.0))
        p2 = np.exp(-m2 * (np.log1p(x2) / x2 if x2 > 1e-9 else 1.0))
        c1, c2 = p1, p2
        u = 0
        for u in range(max(pos[j], 0)):
            p1 *= (m1 / d1 + (1 - 1 / d1) * u) / (u + 1); c1 += p1
            p2 *= (m2 / d2 + (1 - 1 / d2) * u) / (u + 1); c2 += p2
        u = max(pos[j], 0)
        ra = -1.0
        for case in range(40):
            v, s1, s2 = 0.0, 0.0, 0.0
            for _ in range(pack[i]):
                t1, t2 = max(1 - c1, 0.0), max(1 - c2, 0.0)
                v += (gain[j] - lam) * t1 - hold[j] * (1 - t1) - ship[j] - dl * (1 - t2)
                s1 += 1 - t1; s2 += 1 - t2
                p1 *= (m1 / d1 + (1 - 1 / d1) * u) / (u + 1); c1 += p1
                p2 *= (m2 / d2 + (1 - 1 / d2) * u) / (u + 1); c2 += p2
                u += 1
            r = s2 / s1 if s1 > 1e-9 else 0.0
            if v <= 0:
                out[j] = dl * (r if ra < 0 else 0.5 * (r + ra))
                break
            ra = r
            out[j] = dl * r
    return out
