#include "apiserver/resources/batch/batch.h"

#include "apiserver/resources/resources.h"

namespace pintle::apiserver::resources {

void add_batch(Definitions& out) {
  out.push_back(cron_jobs());
  out.push_back(jobs());
}

}  // namespace pintle::apiserver::resources
