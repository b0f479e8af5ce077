// Evaluations a second, one thread.
#include <array>
#include <chrono>
#include <cstdio>

#include "apimachinery/cel/environment.h"
#include "apimachinery/cel/program.h"
#include "codec/json.h"
#include "codec/value.h"

namespace {

using namespace pintle::apimachinery::cel;

constexpr const char* expressions[] = {
    "object.spec.replicas <= 5",
    "object.metadata.labels['app'] == 'web' && object.spec.replicas in [1, 2, 3, 5]",
    "object.spec.containers.all(c, c.image.startsWith('registry/') && !has(c.securityContext))",
    "object.spec.containers.filter(c, c.name != 'x').map(c, c.name + ':' + c.image).size() == 3",
    "object.spec.containers.all(c, quantity(c.cpu).isLessThan(quantity('2')))",
    "object.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
};

double per_second(double seconds, auto&& step) {
  const auto begin = std::chrono::steady_clock::now();
  std::size_t count = 0;
  std::chrono::duration<double> passed{};
  do {
    for (int i = 0; i < 100; ++i) step();
    count += 100;
    passed = std::chrono::steady_clock::now() - begin;
  } while (passed.count() < seconds);
  return static_cast<double>(count) / passed.count();
}

}  // namespace

namespace pintle::apimachinery::cel {

// `seconds` for each expression.
void run_bench(double seconds) {
  const auto document = *pintle::codec::parse_json(R"({"metadata":{"name":"web-1","labels":{"app":"web"}},"spec":{"replicas":3,"containers":[
      {"name":"a","image":"registry/a","cpu":"500m"},{"name":"b","image":"registry/b","cpu":"1"},{"name":"c","image":"registry/c","cpu":"250m"}]}})");
  Environment environment;
  environment.add_variable("object", &types::dyn);
  for (const char* expression : expressions) {
    const double compiled = per_second(seconds / 4, [&] { (void)environment.compile(expression); });
    const auto program = environment.compile(expression);
    Arena arena;
    bool good = true;
    const double evaluated = per_second(seconds, [&] {
      arena.clear();
      const std::array<Value, 1> variables{document_value(document, &types::dyn, arena)};
      good = good && program->evaluate(variables, arena).value.is_true();
    });
    std::printf("%9.0f evaluations/s %7.0f compilations/s %s  %s\n", evaluated, compiled, good ? "ok" : "WRONG", expression);
  }
}

}  // namespace pintle::apimachinery::cel
