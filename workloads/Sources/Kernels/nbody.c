// The orbits of the Sun and the four large planets by a symplectic integrator, as in the Computer Language Benchmarks Game,
// whose known answer this is: an energy of -0.169087605 after 1,000 steps of 0.01 days.
#include "include/Kernels.h"
#include <emmintrin.h>

enum { BODIES = 5, STEPS = 1000 };
static const double solar_mass = 4 * 3.141592653589793 * 3.141592653589793, year = 365.24;

struct body {
  double x, y, z, vx, vy, vz, mass;
};
_Static_assert(sizeof(struct body[BODIES]) <= pv_nbody_bytes, "the bodies must fit in what callers give");

static double root(double value) { return _mm_cvtsd_f64(_mm_sqrt_sd(_mm_set_sd(value), _mm_set_sd(value))); }

static void begin(struct body *bodies) {
  // Astronomical units, days, and parts of the Sun's mass.
  static const struct body planets[BODIES - 1] = {
      {4.84143144246472090e+00, -1.16032004402742839e+00, -1.03622044471123109e-01, 1.66007664274403694e-03,
       7.69901118419740425e-03, -6.90460016972063023e-05, 9.54791938424326609e-04},
      {8.34336671824457987e+00, 4.12479856412430479e+00, -4.03523417114321381e-01, -2.76742510726411891e-03,
       4.99852801234917238e-03, 2.30417297573763929e-05, 2.85885980666130812e-04},
      {1.28943695621391310e+01, -1.51111514016986312e+01, -2.23307578892655734e-01, 2.96460137564761618e-03,
       2.37847173959480950e-03, -2.96589568540237556e-05, 4.36624404335156298e-05},
      {1.53796971148509165e+01, -2.59193146099879641e+01, 1.79258772950371181e-01, 2.68067772490389322e-03,
       1.62824170038242295e-03, -9.51592254519715870e-05, 5.15138902046611451e-05},
  };
  double px = 0, py = 0, pz = 0;
  for (int index = 1; index < BODIES; index++) {
    const struct body *planet = &planets[index - 1];
    struct body body = {planet->x, planet->y, planet->z, planet->vx * year, planet->vy * year, planet->vz * year,
                        planet->mass * solar_mass};
    bodies[index] = body;
    px += body.vx * body.mass;
    py += body.vy * body.mass;
    pz += body.vz * body.mass;
  }
  struct body sun = {0, 0, 0, -px / solar_mass, -py / solar_mass, -pz / solar_mass, solar_mass};
  bodies[0] = sun;
}

static void advance(struct body *bodies, double dt) {
  for (int i = 0; i < BODIES; i++) {
    struct body *a = &bodies[i];
    for (int j = i + 1; j < BODIES; j++) {
      struct body *b = &bodies[j];
      double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
      double square = dx * dx + dy * dy + dz * dz;
      double magnitude = dt / (square * root(square));
      a->vx -= dx * b->mass * magnitude;
      a->vy -= dy * b->mass * magnitude;
      a->vz -= dz * b->mass * magnitude;
      b->vx += dx * a->mass * magnitude;
      b->vy += dy * a->mass * magnitude;
      b->vz += dz * a->mass * magnitude;
    }
  }
  for (int i = 0; i < BODIES; i++) {
    bodies[i].x += dt * bodies[i].vx;
    bodies[i].y += dt * bodies[i].vy;
    bodies[i].z += dt * bodies[i].vz;
  }
}

static double energy(const struct body *bodies) {
  double energy = 0;
  for (int i = 0; i < BODIES; i++) {
    const struct body *a = &bodies[i];
    energy += 0.5 * a->mass * (a->vx * a->vx + a->vy * a->vy + a->vz * a->vz);
    for (int j = i + 1; j < BODIES; j++) {
      double dx = a->x - bodies[j].x, dy = a->y - bodies[j].y, dz = a->z - bodies[j].z;
      energy -= a->mass * bodies[j].mass / root(dx * dx + dy * dy + dz * dz);
    }
  }
  return energy;
}

uint64_t pv_nbody(void *work) {
  begin(work);
  for (int step = 0; step < STEPS; step++) advance(work, 0.01);
  return (uint64_t)(-energy(work) * 1e9 + 0.5);
}
