#include "apiserver/resources/batch/batch.h"

#include "apiserver/resources/resources.h"

namespace pintle::apiserver::resources {

void add_batch(const Deps& deps, Definitions& out) {
  out.push_back(cron_jobs(deps.zones));
  out.push_back(jobs());
}

}  // namespace pintle::apiserver::resources
