// How long one pod takes through each walker; the numbers stand in docs/decisions/0002-codecs.md.
#include <benchmark/benchmark.h>

#include "api/codec.h"
#include "api/object.h"
#include "codec/json.h"
#include "codec/yaml.h"
#include "test/codec/sample_pod.h"

namespace pintle::api {
namespace {

using test::sample_pod;

const KindInfo& pod() { return *find_kind("", "v1", "Pod"); }

Object decoded() {
  Object object(*pod().type);
  CHECK(decode_json(sample_pod, *pod().type, object.data()).has_value(), "the sample pod decodes");
  return object;
}

std::string encoded() {
  std::string out;
  encode_proto(*pod().type, decoded().data(), out);
  return out;
}

void done(benchmark::State& state, std::size_t bytes) {
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * static_cast<int64_t>(bytes));
  state.counters["bytes"] = static_cast<double>(bytes);
}

void JsonDecode(benchmark::State& state) {
  for (auto _ : state) {
    Object object(*pod().type);
    benchmark::DoNotOptimize(decode_json(sample_pod, *pod().type, object.data()));
  }
  done(state, sample_pod.size());
}
BENCHMARK(JsonDecode);

void JsonDecodeStrict(benchmark::State& state) {
  for (auto _ : state) {
    Object object(*pod().type);
    DecodeReport report;
    benchmark::DoNotOptimize(decode_json(sample_pod, *pod().type, object.data(), Strictness::Collect, &report));
  }
  done(state, sample_pod.size());
}
BENCHMARK(JsonDecodeStrict);

void JsonEncode(benchmark::State& state) {
  const Object object = decoded();
  std::string out;
  for (auto _ : state) {
    out.clear();
    encode_json(*pod().type, object.data(), out, &pod().gvk);
    benchmark::DoNotOptimize(out.data());
  }
  done(state, out.size());
}
BENCHMARK(JsonEncode);

void ProtoDecode(benchmark::State& state) {
  const std::string bytes = encoded();
  for (auto _ : state) {
    Object object(*pod().type);
    benchmark::DoNotOptimize(decode_proto(bytes, *pod().type, object.data()));
  }
  done(state, bytes.size());
}
BENCHMARK(ProtoDecode);

void ProtoEncode(benchmark::State& state) {
  const Object object = decoded();
  std::string out;
  for (auto _ : state) {
    out.clear();
    encode_proto(*pod().type, object.data(), out);
    benchmark::DoNotOptimize(out.data());
  }
  done(state, out.size());
}
BENCHMARK(ProtoEncode);

void Transcode(benchmark::State& state) {
  const std::string bytes = encoded();
  std::string out;
  for (auto _ : state) {
    out.clear();
    benchmark::DoNotOptimize(transcode_json(*pod().type, bytes, out, &pod().gvk));
  }
  done(state, out.size());
}
BENCHMARK(Transcode);

void ObjectCopy(benchmark::State& state) {
  const Object object = decoded();
  for (auto _ : state) {
    Object copy(object);
    benchmark::DoNotOptimize(copy.data());
  }
}
BENCHMARK(ObjectCopy);

void ParseJsonValue(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(codec::parse_json(sample_pod));
  done(state, sample_pod.size());
}
BENCHMARK(ParseJsonValue);

void WriteYaml(benchmark::State& state) {
  const auto value = codec::parse_json(sample_pod);
  for (auto _ : state) benchmark::DoNotOptimize(codec::to_yaml(*value));
  done(state, sample_pod.size());
}
BENCHMARK(WriteYaml);

void ReadYaml(benchmark::State& state) {
  const std::string text = codec::to_yaml(*codec::parse_json(sample_pod));
  for (auto _ : state) benchmark::DoNotOptimize(codec::parse_yaml(text));
  done(state, text.size());
}
BENCHMARK(ReadYaml);

}  // namespace
}  // namespace pintle::api

BENCHMARK_MAIN();
