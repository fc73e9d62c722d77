// Asks cyclonus' model of NetworkPolicy what each of a stream of scenarios lets through.
//
// A line of standard input is a scenario: {"policies": [NetworkPolicy], "pods": [{"namespace", "namespaceLabels", "labels",
// "ip", "ports": {"name": number}}], "probes": [{"port", "protocol"}]}. Its answer, a line of standard output, is a string
// of 0 and 1 a probe: for each source, for each destination, whether a packet passes.
package main

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"

	"github.com/mattfenwick/cyclonus/pkg/matcher"
	v1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
)

type pod struct {
	Namespace       string            `json:"namespace"`
	NamespaceLabels map[string]string `json:"namespaceLabels"`
	Labels          map[string]string `json:"labels"`
	IP              string            `json:"ip"`
	Ports           map[string]int    `json:"ports"`
	External        bool              `json:"external"`
}

type probe struct {
	Port     int         `json:"port"`
	Protocol v1.Protocol `json:"protocol"`
}

type scenario struct {
	Policies []*networkingv1.NetworkPolicy `json:"policies"`
	Pods     []pod                         `json:"pods"`
	Probes   []probe                       `json:"probes"`
}

func main() {
	lines := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			out.WriteString(answer(line) + "\n")
			out.Flush()
		}
		if err != nil {
			return
		}
	}
}

func answer(line []byte) string {
	var asked scenario
	if err := json.Unmarshal(line, &asked); err != nil {
		panic(err)
	}
	policy := matcher.BuildNetworkPolicies(false, asked.Policies)
	answers := make([]string, len(asked.Probes))
	for at, each := range asked.Probes {
		var bits strings.Builder
		for _, source := range asked.Pods {
			for _, destination := range asked.Pods {
				if passes(policy, source, destination, each) {
					bits.WriteByte('1')
				} else {
					bits.WriteByte('0')
				}
			}
		}
		answers[at] = bits.String()
	}
	return strings.Join(answers, " ")
}

func passes(policy *matcher.Policy, source, destination pod, asked probe) bool {
	return policy.IsTrafficAllowed(&matcher.Traffic{
		Source:           peer(source),
		Destination:      peer(destination),
		ResolvedPort:     asked.Port,
		ResolvedPortName: name(destination, asked.Port),
		Protocol:         asked.Protocol,
	}).IsAllowed()
}

func peer(of pod) *matcher.TrafficPeer {
	if of.External {
		return &matcher.TrafficPeer{IP: of.IP}
	}
	return &matcher.TrafficPeer{
		IP: of.IP,
		Internal: &matcher.InternalPeer{
			PodLabels: of.Labels, NamespaceLabels: of.NamespaceLabels, Namespace: of.Namespace,
		},
	}
}

func name(of pod, port int) string {
	for name, number := range of.Ports {
		if number == port {
			return name
		}
	}
	return ""
}
