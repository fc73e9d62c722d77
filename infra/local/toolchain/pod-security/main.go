// Pod-security reads pods, one JSON object a line, and answers each with a line: every check's id and whether it allows
// the pod, by the newest revision of the check.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/policy"
)

const longestLine = 16 << 20

func main() {
	if err := answer(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func answer() error {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, longestLine)
	out := bufio.NewWriter(os.Stdout)
	answers := json.NewEncoder(out)
	for in.Scan() {
		var pod corev1.Pod
		if err := json.Unmarshal(in.Bytes(), &pod); err != nil {
			return err
		}
		if err := answers.Encode(verdicts(&pod)); err != nil {
			return err
		}
	}
	if err := in.Err(); err != nil {
		return err
	}
	return out.Flush()
}

func verdicts(pod *corev1.Pod) map[policy.CheckID]bool {
	allowed := map[policy.CheckID]bool{}
	for _, check := range policy.DefaultChecks() {
		newest := check.Versions[len(check.Versions)-1]
		allowed[check.ID] = newest.CheckPod(&pod.ObjectMeta, &pod.Spec).Allowed
	}
	return allowed
}
