// Every object of the Go module k8s.io/api, testdata/HEAD, of a kind that the schema has: JSON to protobuf to YAML to
// JSON, each byte for byte the file that stands there. The module is found with the go command and is not copied.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

#include "api/codec.h"
#include "api/object.h"
#include "codec/json.h"
#include "codec/json_text.h"
#include "codec/yaml.h"

namespace pintle::api {
namespace {

namespace fs = std::filesystem;

std::string output_of(const std::string& command) {
  std::string out;
  std::array<char, 4096> buffer;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return out;
  while (std::size_t n = fread(buffer.data(), 1, buffer.size(), pipe)) out.append(buffer.data(), n);
  pclose(pipe);
  return out;
}

// Of the module's files; nullopt: no go command here.
std::optional<fs::path> testdata() {
  if (output_of("command -v go").empty()) return std::nullopt;
  const std::string answer = output_of("cd " PINTLE_GO_MODULE_DIR " && go mod download -json k8s.io/api");
  const auto module = codec::parse_json(answer);
  EXPECT_TRUE(module && !module->string_at("Dir").empty()) << "go mod download said: " << answer;
  return fs::path(module ? module->string_at("Dir") : "") / "testdata" / "HEAD";
}

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// Shows where two texts part, not all of both.
void check_same(const std::string& ours, const std::string& theirs, const std::string& what) {
  if (ours == theirs) return;
  const auto at = static_cast<std::size_t>(std::mismatch(ours.begin(), ours.end(), theirs.begin(), theirs.end()).first - ours.begin());
  const std::size_t from = at < 60 ? 0 : at - 60;
  ADD_FAILURE() << what << " differs at byte " << at << " of " << ours.size() << " (upstream " << theirs.size()
                << ")\nours:     " << codec::go_quote(ours.substr(from, 140)) << "\nupstream: " << codec::go_quote(theirs.substr(from, 140));
}

void replace_once(std::string& text, std::string_view what, const std::string& by) {
  if (const auto at = text.find(what); at != std::string::npos) text.replace(at, what.size(), by);
}

// The samples are of types alone: what a server's conversion adds, their JSON lacks.
void add_kinds_of_items(std::string& json, std::string& yaml) {
  const std::string list = "    \"volumeClaimTemplates\": [\n      {\n";
  replace_once(json, list, list + "        \"kind\": \"PersistentVolumeClaim\",\n        \"apiVersion\": \"v1\",\n");
  replace_once(
      yaml, "  volumeClaimTemplates:\n  - metadata:", "  volumeClaimTemplates:\n  - apiVersion: v1\n    kind: PersistentVolumeClaim\n    metadata:");
}

void check_object(const KindInfo& kind, const fs::path& stem, const std::string& name) {
  const std::string proto = read(stem.string() + ".pb");
  std::string json = read(stem.string() + ".json"), yaml = read(stem.string() + ".yaml");
  add_kinds_of_items(json, yaml);
  const Type& type = *kind.type;

  // JSON in, protobuf out.
  Object object(type);
  DecodeReport report;
  const auto decoded = decode_json(codec::compact_json(json), type, object.data(), Strictness::Collect, &report);  // a RawExtension keeps blanks
  ASSERT_TRUE(decoded) << name << ": " << decoded.error().message;
  EXPECT_TRUE(report.problems.empty()) << name << ": " << report.problems.front();
  std::string message;
  encode_proto(type, object.data(), message);
  if (!proto.empty()) check_same(encode_envelope(kind.gvk, message), proto, name + " protobuf");

  // Protobuf in, YAML out.
  Object back(type);
  const std::string stored = encode_envelope(kind.gvk, message);
  const auto envelope = decode_envelope(stored);
  ASSERT_TRUE(envelope) << name;
  ASSERT_TRUE(decode_proto(envelope->raw, type, back.data())) << name;
  EXPECT_TRUE(equal(type, object.data(), back.data())) << name;
  const std::string our_yaml = codec::to_yaml(to_value(type, back.data(), &kind.gvk));
  if (!yaml.empty()) check_same(our_yaml, yaml, name + " YAML");

  // YAML in, JSON out.
  Object again(type);
  const auto document = codec::parse_yaml(our_yaml);
  ASSERT_TRUE(document) << name << ": " << document.error().message;
  ASSERT_TRUE(decode_value(*document, type, again.data())) << name;
  std::string compact;
  encode_json(type, again.data(), compact, &kind.gvk);
  check_same(codec::pretty_json(compact), json, name + " JSON");

  // And the short way from protobuf to JSON.
  std::string transcoded;
  ASSERT_TRUE(transcode_json(type, message, transcoded, &kind.gvk)) << name;
  check_same(transcoded, compact, name + " transcoded JSON");
}

TEST(Upstream, TestdataThroughEveryFormat) {
  const auto dir = testdata();
  if (!dir) GTEST_SKIP() << "no go command: upstream's test data cannot be found";
  ASSERT_TRUE(fs::is_directory(*dir)) << *dir;
  int checked = 0, unknown = 0;
  for (const auto& entry : fs::directory_iterator(*dir)) {
    if (entry.path().extension() != ".json") continue;
    const auto document = codec::parse_json(read(entry.path()));
    ASSERT_TRUE(document) << entry.path();
    const std::string version(document->string_at("apiVersion")), kind(document->string_at("kind"));
    const std::size_t slash = version.find('/');
    const std::string group = slash == std::string::npos ? "" : version.substr(0, slash);
    const KindInfo* info = find_kind(group, slash == std::string::npos ? version : version.substr(slash + 1), kind);
    if (info == nullptr) {
      ++unknown;
      continue;
    }
    check_object(*info, entry.path().parent_path() / entry.path().stem(), entry.path().stem().string());
    ++checked;
  }
  std::printf("%d kinds checked, %d of no kind in the schema\n", checked, unknown);
  EXPECT_GE(checked, 90);
}

}  // namespace
}  // namespace pintle::api
