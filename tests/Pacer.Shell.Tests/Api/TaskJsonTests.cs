using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using CsCheck;
using Pacer.Contracts.Wire;
using Pacer.Core.Cluster;
using Pacer.Server.Api.Apps;
using Pacer.Shell.Tests.Storage;

namespace Pacer.Shell.Tests.Api;

public sealed class TaskJsonTests
{
    [Fact]
    public void Task_WrittenDirectly_IsTheWireTypesJson() => ModelGenerators.Put.Sample(change =>
    {
        if (change is not Change.PutInstance { Instance: var instance })
        {
            return;
        }
        foreach (var task in instance.Tasks)
        {
            using var buffer = new MemoryStream();
            using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
            {
                TaskJson.Write(json, instance, task, instance.RunSpecId.Path, null);
            }
            Assert.Equal(
                JsonSerializer.Serialize(TaskRendering.Render(instance, task), WireJson.Plain.AppTask), Encoding.UTF8.GetString(buffer.ToArray()));
        }
    }, iter: 3000);
}
