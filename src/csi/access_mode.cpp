#include "csi/access_mode.h"

#include "api/gen/csi_v1.h"

namespace pintle::csi {

int32_t access_mode(std::string_view mode, bool several_writers) {
  using Mode = api::csi_v1::VolumeCapabilityAccessModeMode;
  if (mode == "ReadOnlyMany") return Mode::MultiNodeReaderOnly;
  if (mode == "ReadWriteMany") return Mode::MultiNodeMultiWriter;
  if (!several_writers) return Mode::SingleNodeWriter;
  return mode == "ReadWriteOncePod" ? Mode::SingleNodeSingleWriter : Mode::SingleNodeMultiWriter;
}

}  // namespace pintle::csi
