// CEL expressions, then the steps of a write of a custom resource: apimachinery_bench [seconds an expression]
#include <cstdlib>

namespace pintle::apimachinery {
namespace cel {
void run_bench(double seconds);
}  // namespace cel
namespace schema {
void run_bench();
}  // namespace schema
}  // namespace pintle::apimachinery

int main(int argc, char** argv) {
  pintle::apimachinery::cel::run_bench(argc > 1 ? std::atof(argv[1]) : 1);
  pintle::apimachinery::schema::run_bench();
}
