#include "kubelet/images/pull_records.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "api/codec.h"
#include "component/certificate/keys.h"
#include "os/path.h"
#include "os/read_file.h"
#include "os/replace_file.h"
#include "os/system_error.h"

namespace pintle::kubelet::images {

namespace {

using api::kubeletconfig_v1beta1::ImagePullIntent;

constexpr std::string_view prefix = "sha256-";
constexpr std::size_t name_bytes = 7 + 64;
constexpr uint32_t folder_mode = 0700;
constexpr uint32_t file_mode = 0600;

std::string file_of(const std::string& folder, const std::string& key) {
  return folder + "/" + std::string(prefix) + component::hex(component::sha256(key));
}

template <class T>
std::string text_of(const T& object, std::string_view kind) {
  const api::GroupVersionKind gvk{"kubelet.config.k8s.io", "v1beta1", kind};
  std::string out;
  api::encode_json(api::type_of<T>(), &object, out, &gvk);
  return out;
}

template <class T>
Result<T> read_object(const std::string& path) {
  TRY_ASSIGN(const std::string text, os::read_file(path));
  if (text.size() > record_bytes_max) return error(Reason::RequestEntityTooLarge, path + ": too large");
  T out;
  TRY(api::decode_json(text, api::type_of<T>(), &out));
  return out;
}

Result<Unit> write_text(const std::string& folder, const std::string& path, const std::string& text) {
  TRY(os::make_directories(folder, folder_mode));
  return os::replace_file(path, text, file_mode, os::Durability::Synced);
}

Result<Unit> remove_file(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return os::system_error(errno, path);
  return Unit{};
}

// The paths of records; of no folder: none.
Result<std::vector<std::string>> files_in(const std::string& folder) {
  std::vector<std::string> out;
  DIR* directory = ::opendir(folder.c_str());
  if (!directory && errno == ENOENT) return out;
  if (!directory) return os::system_error(errno, folder);
  while (const dirent* entry = ::readdir(directory)) {
    const std::string_view name = entry->d_name;
    if (name.size() == name_bytes && name.starts_with(prefix) && out.size() < record_files_max) out.push_back(folder + "/" + std::string(name));
  }
  ::closedir(directory);
  return out;
}

}  // namespace

Result<Unit> PullRecords::begin(const std::string& image) const {
  ImagePullIntent intent;
  intent.image = image;
  return write_text(pulling_, file_of(pulling_, image), text_of(intent, "ImagePullIntent"));
}

Result<Unit> PullRecords::end(const std::string& image) const { return remove_file(file_of(pulling_, image)); }

Result<bool> PullRecords::is_begun(const std::string& image) const {
  const auto intent = read_object<ImagePullIntent>(file_of(pulling_, image));
  if (!intent && intent.error().reason == Reason::NotFound) return false;
  if (!intent) return Unexpected(intent.error());
  return intent->image == image;
}

Result<std::vector<std::string>> PullRecords::begun() const {
  TRY_ASSIGN(const auto files, files_in(pulling_));
  std::vector<std::string> out;
  for (const std::string& file : files)
    if (auto intent = read_object<ImagePullIntent>(file)) out.push_back(std::move(intent->image));
  return out;
}

Result<std::optional<ImagePulledRecord>> PullRecords::read(const std::string& image_ref) const {
  auto record = read_object<ImagePulledRecord>(file_of(pulled_, image_ref));
  if (!record && record.error().reason == Reason::NotFound) return std::nullopt;
  if (!record) return Unexpected(std::move(record).error());
  if (record->image_ref != image_ref) return std::nullopt;
  return std::move(*record);
}

Result<Unit> PullRecords::write(const ImagePulledRecord& record) const {
  return write_text(pulled_, file_of(pulled_, record.image_ref), text_of(record, "ImagePulledRecord"));
}

Result<Unit> PullRecords::remove(const std::string& image_ref) const { return remove_file(file_of(pulled_, image_ref)); }

Result<std::vector<ImagePulledRecord>> PullRecords::all() const {
  TRY_ASSIGN(const auto files, files_in(pulled_));
  std::vector<ImagePulledRecord> out;
  for (const std::string& file : files)
    if (auto record = read_object<ImagePulledRecord>(file)) out.push_back(std::move(*record));
  return out;
}

}  // namespace pintle::kubelet::images
