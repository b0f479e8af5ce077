#include "cli/preloaded_images.h"

#include <algorithm>
#include <array>

#include "base/split.h"
#include "codec/json.h"
#include "component/log.h"
#include "os/program.h"

namespace pintle::cli {

namespace {

namespace log = component::log;

constexpr std::array archive_endings = {std::string_view(".tar"), std::string_view(".tar.gz"), std::string_view(".tgz"),
                                        std::string_view(".tar.zst")};
constexpr rt::Duration ctr_limit = std::chrono::minutes(1);  // of what only looks or labels
// What the CRI of containerd 1.7 and later tells the kubelet of an image that nobody may collect.
constexpr std::string_view pinned_label = "io.cri-containerd.pinned=pinned";

bool ends_word(std::string_view text, std::size_t at) { return at >= text.size() || text[at] <= ' '; }

rt::Task<Result<std::string>> run_ctr(const Layout& layout, std::vector<std::string> arguments, rt::Duration limit) {
  std::vector<std::string> argv = {"ctr", "--address", layout.containerd_socket(), "--namespace", "k8s.io", "images"};
  argv.insert(argv.end(), std::make_move_iterator(arguments.begin()), std::make_move_iterator(arguments.end()));
  CO_TRY_ASSIGN(os::ProcessOutput output, co_await os::run_program(rt::Context::background(), std::move(argv), limit));
  if (!output.exit.ok()) co_return error(Reason::InternalError, "ctr: " + output.exit.text() + ": " + os::shown_output(output));
  co_return std::move(output.out);
}

rt::Task<Result<std::vector<std::string>>> list_images(const Layout& layout) {
  std::vector<std::string> arguments = {"list", "--quiet"};
  CO_TRY_ASSIGN(const std::string text, co_await run_ctr(layout, std::move(arguments), ctr_limit));
  std::vector<std::string> out;
  for (const std::string_view name : split(text, '\n'))
    if (!name.empty()) out.emplace_back(name);
  co_return std::move(out);
}

// What unpacks it to its standard output; "": it is not packed.
std::string unpacker_of(std::string_view file_name) {
  if (file_name.ends_with(".zst")) return "zstd";
  return file_name.ends_with("gz") ? "gzip" : "";
}

// ctr of containerd 1.6 takes no packed archive.
rt::Task<Result<Unit>> unpack(std::string program, std::string archive, std::string into) {
  os::ProcessSpec spec;
  spec.argv = {program, "--decompress", "--stdout", archive};
  spec.output_file = std::move(into);
  const rt::Context ctx = rt::Context::background().with_timeout(image_load_limit);
  const auto output = co_await os::run_process(ctx, std::move(spec));
  if (!output) co_return error(output.error().reason, program + ": " + output.error().message);
  if (!output->exit.ok()) co_return bad_request(program + " cannot unpack it: " + output->exit.text());
  co_return Unit{};
}

rt::Task<Result<std::string>> import_archive(rt::Disk& disk, const Layout& layout, const std::string& file_name) {
  std::string archive = layout.images() + "/" + file_name;
  const std::string unpacked = layout.images() + "/.unpacked";
  if (disk.exists(unpacked)) CO_TRY(disk.remove(unpacked));
  if (const std::string program = unpacker_of(file_name); !program.empty()) {
    const auto done = co_await unpack(program, archive, unpacked);
    if (!done) (void)disk.remove(unpacked);
    CO_TRY(std::move(done));
    archive = unpacked;
  }
  std::vector<std::string> import = {"import", archive};
  auto said = co_await run_ctr(layout, std::move(import), image_load_limit);
  if (archive == unpacked) (void)disk.remove(unpacked);
  co_return std::move(said);
}

rt::Task<Result<std::vector<std::string>>> load_archive(rt::Disk& disk, const Layout& layout, const std::string& file_name) {
  CO_TRY_ASSIGN(const std::string said, co_await import_archive(disk, layout, file_name));
  CO_TRY_ASSIGN(const std::vector<std::string> names, co_await list_images(layout));
  std::vector<std::string> images = images_in_output(said, names);
  if (images.empty()) co_return bad_request("it names no image");
  for (const std::string& image : images) {
    std::vector<std::string> label = {"label", image, std::string(pinned_label)};
    CO_TRY(co_await run_ctr(layout, std::move(label), ctr_limit));
  }
  co_return std::move(images);
}

std::vector<std::string> archives_in(rt::Disk& disk, const Layout& layout) {
  auto names = disk.list(layout.images());
  if (!names) return {};
  std::erase_if(*names, [](const std::string& name) { return !is_image_archive(name); });
  if (names->size() > image_archives_max) {
    log::error("Of the archives of images only the first are loaded", {{"folder", layout.images()}, {"loaded", std::to_string(image_archives_max)}});
    names->resize(image_archives_max);
  }
  return std::move(*names);
}

LoadedArchives read_record(rt::Disk& disk, const Layout& layout) {
  if (!disk.exists(layout.loaded_images())) return {};
  const auto text = disk.read(layout.loaded_images());
  auto parsed = text ? parse_loaded_archives(*text) : Unexpected(text.error());
  if (parsed) return std::move(*parsed);
  log::error("Which images were loaded cannot be read, and all are loaded", parsed.error(), {{"file", layout.loaded_images()}});
  return {};
}

}  // namespace

bool is_image_archive(std::string_view file_name) {
  return !file_name.starts_with('.') && std::ranges::any_of(archive_endings, [&](std::string_view ending) { return file_name.ends_with(ending); });
}

std::vector<std::string> images_in_output(std::string_view output, const std::vector<std::string>& names) {
  std::vector<std::string> out;
  for (const std::string& name : names) {
    for (std::size_t at = output.find(name); at != std::string_view::npos; at = output.find(name, at + 1)) {
      if ((at != 0 && output[at - 1] > ' ') || !ends_word(output, at + name.size())) continue;
      out.push_back(name);
      break;
    }
  }
  return out;
}

std::string write_loaded_archives(const LoadedArchives& archives) {
  codec::Value out;
  codec::Value& files = out["archives"];
  files = codec::Value::Object();
  for (const auto& [name, archive] : archives) {
    codec::Value& one = files[name];
    one["bytes"] = static_cast<int64_t>(archive.bytes);
    one["modified"] = archive.modified_unix_ns;
    codec::Value::Array images;
    for (const std::string& image : archive.images) images.emplace_back(image);
    one["images"] = std::move(images);
  }
  return codec::to_pretty_json(out) + "\n";
}

Result<LoadedArchives> parse_loaded_archives(std::string_view text) {
  TRY_ASSIGN(const codec::Value value, codec::parse_json(text));
  const codec::Value* files = value.find("archives");
  if (files == nullptr || !files->is_object()) return bad_request("\"archives\" is no object");
  LoadedArchives out;
  for (const auto& [name, one] : files->as_object()) {
    const codec::Value *bytes = one.find("bytes"), *modified = one.find("modified"), *images = one.find("images");
    if (!bytes || !bytes->is_int() || !modified || !modified->is_int() || !images || !images->is_array())
      return bad_request("archives." + name + " has no bytes, modified and images");
    LoadedArchive& archive = out[name];
    archive.bytes = static_cast<uint64_t>(bytes->as_int());
    archive.modified_unix_ns = modified->as_int();
    for (const codec::Value& image : images->as_array()) {
      if (!image.is_string()) return bad_request("archives." + name + ".images holds what is no string");
      archive.images.push_back(image.as_string());
    }
  }
  return out;
}

bool is_loaded(const LoadedArchives& archives, const std::string& file_name, const LoadedArchive& now, const std::set<std::string>& present) {
  const auto found = archives.find(file_name);
  if (found == archives.end() || found->second.bytes != now.bytes || found->second.modified_unix_ns != now.modified_unix_ns) return false;
  return std::ranges::all_of(found->second.images, [&](const std::string& image) { return present.contains(image); });
}

bool has_image_archives(rt::Disk& disk, const Layout& layout) {
  const auto names = disk.list(layout.images());
  return names && std::ranges::any_of(*names, is_image_archive);
}

rt::Task<std::vector<std::string>> load_images(rt::Runtime& runtime, Layout layout) {
  rt::Disk& disk = runtime.disk();
  std::vector<std::string> out;
  const std::vector<std::string> files = archives_in(disk, layout);
  if (files.empty()) co_return out;
  const LoadedArchives before = read_record(disk, layout);
  const auto names = co_await list_images(layout);
  if (!names) {
    log::error("Images are not loaded", names.error(), {{"folder", layout.images()}});
    co_return out;
  }
  const std::set<std::string> present(names->begin(), names->end());
  LoadedArchives after;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const std::string& file = files[i];
    const auto stat = disk.stat(layout.images() + "/" + file);
    if (!stat || stat->directory) continue;
    LoadedArchive now;
    now.bytes = stat->size_bytes;
    now.modified_unix_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(stat->modified.time_since_epoch()).count();
    if (is_loaded(before, file, now, present)) {
      now.images = before.at(file).images;
    } else {
      log::info(0, "Loading images",
                {{"file", file}, {"bytes", std::to_string(now.bytes)}, {"number", fmt::format("{} of {}", i + 1, files.size())}});
      auto images = co_await load_archive(disk, layout, file);
      if (!images) {
        log::error("An archive of images is not loaded", images.error(), {{"file", layout.images() + "/" + file}});
        continue;
      }
      now.images = std::move(*images);
    }
    out.insert(out.end(), now.images.begin(), now.images.end());
    after[file] = std::move(now);
  }
  if (after != before) {
    const auto kept = disk.replace(layout.loaded_images(), write_loaded_archives(after), 0600);
    if (!kept) log::error("Which images were loaded is not kept, and all are loaded at the next start", kept.error());
  }
  co_return out;
}

}  // namespace pintle::cli
