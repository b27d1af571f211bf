// SPDX-License-Identifier: Apache-2.0
#include <hanami/executor/tbb.hpp>
#include <hanami/fleet/fleet.hpp>

// Built to see that the component brings all it needs.
int main() {
  const hanami::fleet fleet;
  return fleet.statistics().threads > 0 && hanami::tbb_executor().options().threads == 0 ? 0 : 1;
}
