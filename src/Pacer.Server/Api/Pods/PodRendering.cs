using System.Runtime.CompilerServices;
using System.Text.Json;
using Pacer.Contracts.Wire;
using Pacer.Core.Model;

namespace Pacer.Server.Api.Pods;

/// <summary>Pods as the API shows them, made once for each run spec object.</summary>
internal static class PodRendering
{
    private static readonly ConditionalWeakTable<RunSpec, Rendered> Made = [];

    public static ReadOnlyMemory<byte> Json(RunSpec spec) => Get(spec).Json;

    /// <summary>The pod as an object, shared by all callers: read it only.</summary>
    public static Pod Read(RunSpec spec) => Get(spec).Pod;

    private static Rendered Get(RunSpec spec) => Made.GetValue(spec, static s => new Rendered(s));

    private sealed class Rendered
    {
        public Rendered(RunSpec spec)
        {
            Pod = PodConversion.ToPod(spec);
            Pod.Version = spec.Version.ToString();
            Json = JsonSerializer.SerializeToUtf8Bytes(Pod, WireJson.Plain.Pod);
        }

        public Pod Pod { get; }

        public byte[] Json { get; }
    }
}
