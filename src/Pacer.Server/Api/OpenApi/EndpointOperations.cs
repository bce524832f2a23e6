using Pacer.Server.Api.Json;
using static Pacer.Server.Api.OpenApi.AnswerShapes;

namespace Pacer.Server.Api.OpenApi;

/// <summary>The endpoints feed, which DNS and the like follow.</summary>
internal static class EndpointOperations
{
    private static readonly Shape.Whole Port = new(0, 65535);

    private static readonly Shape.Record Cluster = new("EndpointCluster",
        new("id", Text, Required: true),
        new("framework", Text, Required: true),
        new("vipRange", Text) { Note = "IPv4 network of named virtual IPs; absent: 11.0.0.0/8." },
        new("servers", new Shape.List(new Shape.Record("EndpointServer",
            new("address", Text, Required: true),
            new("port", Port, Required: true),
            new("leading", Flag, Required: true))), Required: true));

    private static readonly Shape.Record Service = new("EndpointService",
        new("id", Text, Required: true),
        new("configVersion", Moment, Required: true),
        new("kind", new Shape.Text(Values: ["app", "pod"]), Required: true),
        new("current", Flag, Required: true),
        new("labels", new Shape.Map(Text), Required: true),
        new("networks", new Shape.List(new Shape.Record("EndpointNetwork", new("mode", Text, Required: true), new("name", Text))), Required: true),
        new("ports", new Shape.List(new Shape.Record("EndpointPort",
            new("name", Text),
            new("protocol", Text, Required: true),
            new("servicePort", Port, Required: true),
            new("container", Text),
            new("labels", new Shape.Map(Text)),
            new("networkNames", Texts))), Required: true),
        new("healthChecks", Count, Required: true));

    private static readonly Shape.Record Node = new("EndpointNode",
        new("id", Text, Required: true),
        new("hostname", Text, Required: true),
        new("address", Text, Required: true),
        new("state", new Shape.Text(Values: ["connected", "disconnected", "lost"]), Required: true),
        new("region", Text),
        new("zone", Text));

    private static readonly Shape.Record Task = new("EndpointTask",
        new("id", Text, Required: true),
        new("serviceId", Text, Required: true),
        new("configVersion", Moment, Required: true),
        new("container", Text),
        new("nodeId", Text, Required: true),
        new("state", Text, Required: true),
        new("healthy", Flag),
        new("ready", Flag, Required: true),
        new("draining", Flag, Required: true),
        new("addresses", Texts, Required: true),
        new("ports", new Shape.List(new Shape.Record("EndpointTaskPort",
            new("port", Count, Required: true) { Note = "Index into the service's ports." },
            new("hostPort", Port, Required: true),
            new("containerPort", Port, Required: true))), Required: true));

    public static readonly Operation[] All =
    [
        new("Endpoints", "GET", "/pacer/endpoints", "Show what can be reached where, or follow it",
            new Answer(200, "A snapshot, or what changed.", new Shape.Record("EndpointUpdate",
                new("cursor", Text, Required: true),
                new("reset", Flag, Required: true) { Note = "What was known before is void." },
                new("partial", Flag, Required: true) { Note = "More messages of the same snapshot follow (streams only)." },
                new("cluster", Cluster),
                new("services", new Shape.List(Service)),
                new("nodes", new Shape.List(Node)),
                new("tasks", new Shape.List(Task)),
                new("removedServices", Texts),
                new("removedNodes", Texts),
                new("removedTasks", Texts))))
        {
            Query =
            [
                new("since", Text, "Cursor of an earlier answer: only what changed after it."),
                new("wait", new Shape.Whole(0, 60), "With since: seconds to wait for a change."),
            ],
            Note = "With the header Accept: text/event-stream a stream: a snapshot, then every change as it comes.",
        },
        new("VirtualIps", "GET", "/pacer/vips", "Show virtual IPs, what they lead to, and what is wrong with their labels",
            new Answer(200, "All of them.", new Shape.Record("VipList",
                new("range", Text, Required: true) { Note = "IPv4 network of named virtual IPs." },
                new("vips", new Shape.List(new Shape.Record("VipInfo",
                    new("vip", Text, Required: true) { Note = "As labels say it: /web:80, or an address and a port." },
                    new("protocol", new Shape.Text(Values: ["tcp", "udp"]), Required: true),
                    new("port", Port, Required: true),
                    new("dnsName", Text) { Note = "Absent when it is an address." },
                    new("addresses", Texts, Required: true),
                    new("services", Texts, Required: true),
                    new("backends", new Shape.List(new Shape.Record("VipBackendInfo",
                        new("taskId", Text, Required: true),
                        new("serviceId", Text, Required: true),
                        new("nodeId", Text, Required: true),
                        new("address", Text, Required: true),
                        new("port", Port, Required: true),
                        new("serving", Flag, Required: true),
                        new("reason", Text) { Note = "Why it gets no new connections." })), Required: true))), Required: true),
                new("warnings", new Shape.List(new Shape.Record("VipWarningInfo",
                    new("serviceId", Text, Required: true),
                    new("text", Text, Required: true))), Required: true)))),
    ];
}
