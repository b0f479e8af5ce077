// Evaluations a second of Kubernetes' own environment, one thread, over the expressions and the document of apimachinery_bench (cel_bench.cpp).
package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"time"

	"github.com/google/cel-go/cel"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/apiserver/pkg/cel/environment"
)

const document = `{"metadata":{"name":"web-1","labels":{"app":"web"}},"spec":{"replicas":3,"containers":[
      {"name":"a","image":"registry/a","cpu":"500m"},{"name":"b","image":"registry/b","cpu":"1"},{"name":"c","image":"registry/c","cpu":"250m"}]}}`

var expressions = []string{
	`object.spec.replicas <= 5`,
	`object.metadata.labels['app'] == 'web' && object.spec.replicas in [1, 2, 3, 5]`,
	`object.spec.containers.all(c, c.image.startsWith('registry/') && !has(c.securityContext))`,
	`object.spec.containers.filter(c, c.name != 'x').map(c, c.name + ':' + c.image).size() == 3`,
	`object.spec.containers.all(c, quantity(c.cpu).isLessThan(quantity('2')))`,
	`object.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')`,
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func perSecond(limit time.Duration, step func()) float64 {
	begin, count := time.Now(), 0
	for time.Since(begin) < limit {
		for i := 0; i < 100; i++ {
			step()
		}
		count += 100
	}
	return float64(count) / time.Since(begin).Seconds()
}

func main() {
	runtime.GOMAXPROCS(1)
	var object map[string]any
	if err := json.Unmarshal([]byte(document), &object); err != nil {
		panic(err)
	}
	object["spec"].(map[string]any)["replicas"] = int64(3) // as unstructured objects hold it
	set := must(environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion()).Extend(environment.VersionedOptions{
		IntroducedVersion: version.MajorMinor(1, 0), EnvOptions: []cel.EnvOption{cel.Variable("object", cel.DynType)}}))
	env := must(set.Env(environment.StoredExpressions))
	for _, expression := range expressions {
		compile := func() cel.Program {
			ast, issues := env.Compile(expression)
			if issues != nil {
				panic(issues)
			}
			return must(env.Program(ast))
		}
		compiled := perSecond(250*time.Millisecond, func() { compile() })
		program, good := compile(), true
		evaluated := perSecond(time.Second, func() {
			out, _, err := program.Eval(map[string]any{"object": object})
			good = good && err == nil && out.Value() == true
		})
		fmt.Printf("%9.0f evaluations/s %7.0f compilations/s %v  %s\n", evaluated, compiled, good, expression)
	}
}
