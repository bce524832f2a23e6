namespace Pacer.Server.Api.OpenApi;

/// <summary>All that the API can be asked for, area by area. A route that no operation describes fails a test.</summary>
internal static class Operations
{
    public static IReadOnlyList<Operation> All { get; } =
        [.. AppOperations.All, .. GroupOperations.All, .. PodOperations.All, .. TaskOperations.All, .. ClusterOperations.All, .. NodeOperations.All,
            .. EndpointOperations.All, .. VolumeOperations.All, .. SecretOperations.All, .. ServerOperations.All];
}
