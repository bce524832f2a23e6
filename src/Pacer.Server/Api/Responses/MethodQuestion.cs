namespace Pacer.Server.Api.Responses;

/// <summary>Marks a request that only asks which methods there are (OPTIONS): refusing the method is the answer then.</summary>
internal sealed class MethodQuestion
{
    public static readonly MethodQuestion Asked = new();

    private MethodQuestion() { }
}
